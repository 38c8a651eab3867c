"""The client's model is put where boto3 looks, once, and taken away without a trace."""

import os
import subprocess
import sys

from click.testing import CliRunner

from l4m.cli import main
from l4m.commands.install_client import explain, install_client, remove_client

LIST = "import boto3; print(boto3.client('lookoutmetrics', region_name='us-east-1').meta.service_model.signing_name)"


def test_boto3_finds_the_client_after_installation(tmp_path):
    assert install_client(tmp_path / ".aws" / "models").outcome == "installed"
    environment = os.environ | {"HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    found = subprocess.run([sys.executable, "-c", LIST], env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.strip() == "execute-api"


def test_second_installation_changes_nothing_and_an_old_model_is_replaced(tmp_path):
    file = install_client(tmp_path).file
    before = file.stat().st_mtime_ns
    assert install_client(tmp_path).outcome == "unchanged"
    assert file.stat().st_mtime_ns == before
    file.write_text("{}")
    assert install_client(tmp_path).outcome == "updated"
    assert install_client(tmp_path).outcome == "unchanged"


def test_removal_leaves_other_models_alone(tmp_path):
    other = tmp_path / "lookoutmetrics" / "1999-01-01" / "service-2.json"
    other.parent.mkdir(parents=True)
    other.touch()
    install_client(tmp_path)
    assert remove_client(tmp_path).outcome == "removed"
    assert remove_client(tmp_path).outcome == "absent"
    assert [path.name for path in (tmp_path / "lookoutmetrics").iterdir()] == ["1999-01-01"]


def test_explanation_says_what_was_done_and_what_to_export(tmp_path):
    installed = explain(install_client(tmp_path))
    assert f"export AWS_DATA_PATH={tmp_path}" in installed
    assert "AWS_ENDPOINT_URL_LOOKOUTMETRICS" in installed
    removed = explain(remove_client(tmp_path))
    assert removed.startswith("Removed")
    assert "export" not in removed


def test_command_installs_and_removes(tmp_path):
    runner = CliRunner()
    installed = runner.invoke(main, ["install-client", "--folder", str(tmp_path), "--endpoint", "https://service.example"])
    assert (installed.exit_code, "https://service.example" in installed.output) == (0, True)
    assert runner.invoke(main, ["install-client", "--folder", str(tmp_path)]).output.startswith("The lookoutmetrics model is in place")
    assert runner.invoke(main, ["install-client", "--folder", str(tmp_path), "--remove"]).output.startswith("Removed")
    assert list(tmp_path.iterdir()) == []
