"""The shell scripts are clean by shellcheck's rules, strict, and none of them just sleeps."""

import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("scripts", "ai_ops", "sample_resources", ".ci")


def shell_scripts() -> list[Path]:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in {"", ".sh"}]
    return sorted(path for path in files if path.read_bytes()[:40].split(b"\n")[0].endswith(b"bash"))


def test_there_are_scripts_to_look_at():
    assert {path.name for path in shell_scripts()} >= {
        "demo",
        "publish",
        "cleanup",
        "deploy_custom_connector.sh",
        "deploy_redshift_environment.sh",
    }


def test_shellcheck_finds_nothing():
    shellcheck = Path(sysconfig.get_path("scripts")) / "shellcheck"
    meant = "--exclude=SC2015"  # A && B || { complain; exit; } does what it says
    done = subprocess.run([shellcheck, meant, *map(str, shell_scripts())], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", shell_scripts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_script_is_strict_and_never_sleeps(path):
    text = path.read_text()
    assert "set -euo pipefail" in text or "set -Eeuo pipefail" in text
    assert "sleep " not in text
