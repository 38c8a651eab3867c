"""The notebooks' start-up scripts run to their end and report how it went, whatever happens on the way."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

SAMPLE, SOLUTION = "sample_resources/redshift/l4m-redshift-sagemakernotebook.yaml", "ai_ops/l4m-redshift-solution.yaml"
SCRIPTS = {
    SAMPLE: ("NotebookLifecycle", "sample_resources/redshift/deploy_redshift_environment.sh"),
    SOLUTION: ("AmazonL4MLifecycleConfig", "ai_ops/deploy_custom_connector.sh"),
}
TOOLS = {  # what the notebook's machine brings
    "dnf": "exit 0",
    "chown": "exit 0",
    "systemd-run": 'shift 2; "$@"; exit 0',
    "git": 'case "$1" in init) mkdir -p "${@: -1}/.git"; cp -r "$SOLUTION/." "${@: -1}" ;; esac; echo "git $*" >> "$TOOLS_LOG"',
    "aws": 'echo "aws $*" >> "$TOOLS_LOG"',
    "python3.12": 'mkdir -p "$3/bin"; ln -s "$(type -P true)" "$3/bin/pip"; ln -s "$(type -P true)" "$3/bin/python"',
    "curl": 'cat > "$SIGNAL"; echo "curl $*" >> "$TOOLS_LOG"',
}


def lifecycle(root: Path, template: str) -> str:
    """The script as SageMaker gets it, each template variable in place of its value."""
    content = yaml_parse((root / template).read_text(encoding="utf-8"))
    sub = content["Resources"][SCRIPTS[template][0]]["Properties"]["OnCreate"][0]["Content"]["Fn::Base64"]["Fn::Sub"]
    text = sub if isinstance(sub, str) else sub[0]
    return re.sub(r"\$\{(\w[\w:.]*)\}", lambda found: f"<{found.group(1)}>", text)


@pytest.fixture(params=SCRIPTS, ids=["sample", "solution"])
def notebook(request, root, tmp_path):
    """A machine with the notebook's tools; calling it runs the start-up script around a given main script and returns the signal."""
    tools, home = tmp_path / "tools", tmp_path / "home"
    (home / "SageMaker").mkdir(parents=True)
    tools.mkdir()
    for name, body in TOOLS.items():
        (tools / name).write_text(f"#!/bin/bash\n{body}\n")
        (tools / name).chmod(0o755)
    script = lifecycle(root, request.param).replace("/home/ec2-user", str(home)).replace("/usr/local/bin", str(tools))

    def run(main: str) -> dict[str, str]:
        solution = tmp_path / "solution"
        shutil.rmtree(solution, ignore_errors=True)
        file = solution / SCRIPTS[request.param][1]
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/bin/bash\n{main}\n")
        file.chmod(0o755)
        names = {"SOLUTION": solution, "SIGNAL": tmp_path / "signal.json", "TOOLS_LOG": tmp_path / "tools.log"}
        environment = {"PATH": f"{tools}:{os.environ['PATH']}", **{key: str(value) for key, value in names.items()}}
        subprocess.run(["bash", "-c", script], env=environment, check=True, timeout=30)
        return json.loads((tmp_path / "signal.json").read_text())

    run.log = tmp_path / "tools.log"
    return run


def test_success_is_signalled_to_the_stack(notebook):
    assert notebook("echo all tables loaded")["Status"] == "SUCCESS"
    log = notebook.log.read_text()
    assert "git -C solution remote add origin <SolutionRepository>" in log
    assert "git -C solution fetch --quiet --depth 1 origin <SolutionRevision>" in log  # a branch, a tag or a commit
    assert "<SetupHandle>" in log


def test_failure_carries_its_last_words_into_the_stacks_events(notebook):
    signal = notebook("""echo 'COPY failed: "no" such bucket' >&2; exit 3""")
    assert signal["Status"] == "FAILURE"
    assert signal["Reason"].endswith('COPY failed: "no" such bucket')


def test_the_log_outlives_a_stack_that_failed(root, notebook, request):
    notebook("exit 1")
    log = notebook.log.read_text().splitlines()
    kept = [number for number, line in enumerate(log) if line.startswith("aws s3 cp --quiet")]
    told = next(number for number, line in enumerate(log) if line.startswith("curl"))
    assert len(kept) == (1 if "solution" in request.node.callspec.id else 0)
    assert all(number < told for number in kept), "it is copied before the stack hears of the failure and removes the notebook"


def test_packages_are_those_of_the_lock_file(root):
    for template in SCRIPTS:
        script = lifecycle(root, template)
        assert "pip install --quiet --require-hashes --only-binary :all: -r solution/ai_ops/lambdas/shared/requirements.txt" in script
    assert "boto3==" in (root / "ai_ops/lambdas/shared/requirements.txt").read_text()


def test_a_second_start_goes_on_from_the_clone(notebook):
    assert notebook("exit 1")["Status"] == "FAILURE"
    (notebook.log.parent / "home/SageMaker/solution").joinpath("kept").touch()
    notebook("exit 0")
    assert notebook.log.read_text().count(" fetch ") == 1


def test_a_script_is_short_enough_for_sagemaker(root):
    for template in SCRIPTS:
        assert len(lifecycle(root, template)) < 12_000  # 16,384 after base64
