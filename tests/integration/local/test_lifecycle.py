"""Start and end: one cloud per home, nothing left running or lying about."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localaws import LocalAws, LocalAwsError
from localaws.waiting import wait_until

INLINE = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}
  Inline:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      Runtime: python3.13
      Handler: index.handler
      Code: {ZipFile: "def handler(event, context): return event"}
Outputs:
  Name: {Value: !Ref Inline}
"""


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False, timeout=60)
    return [int(line) for line in found.stdout.split()]


def test_a_second_start_in_the_same_home_is_refused(cloud):
    with pytest.raises(LocalAwsError, match="already running"):
        LocalAws.start(cloud.home)


def test_a_stack_is_deployed_by_a_command(cloud, tmp_path):
    template = tmp_path / "inline.yaml"
    template.write_text(INLINE)
    command = [sys.executable, "-m", "localaws", "deploy", str(template), "--home"]
    done = subprocess.run([*command, str(cloud.home)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.split()[0]) == (0, "Name"), done.stderr
    function = cloud.client("lambda").get_function(FunctionName=done.stdout.split()[1])["Configuration"]
    assert function["FunctionName"].startswith("inline-Inline")
    cloud.delete_stack("inline")
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no local cloud runs there" in done.stderr


def test_another_process_can_attach_by_the_home_folder(cloud):
    assert LocalAws.attach(cloud.home).status()["endpoint"] == cloud.endpoint
    with pytest.raises(LocalAwsError, match="no local cloud runs there"):
        LocalAws.attach(cloud.home / "elsewhere")


def test_a_folder_with_other_things_in_it_is_never_taken_for_a_home(tmp_path):
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(LocalAwsError, match="is not empty"):
        LocalAws.start(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_everything_listens_on_this_machine_only(cloud):
    assert cloud.endpoint.startswith("http://127.0.0.1:")


def test_when_its_parent_is_killed_server_and_functions_end_and_the_home_is_gone(tmp_path):
    home = tmp_path / "home"
    script = (
        "import json, sys, time; from pathlib import Path; from localaws import LocalAws\n"
        "aws = LocalAws.start(Path(sys.argv[1])); out = aws.deploy(Path(sys.argv[2]), 'inline')\n"
        "aws.client('lambda').invoke(FunctionName=out['Name'], Payload=b'{}'); print(json.dumps(aws.pid), flush=True); time.sleep(60)\n"
    )
    template = tmp_path / "inline.yaml"
    template.write_text(INLINE)
    parent = subprocess.Popen([sys.executable, "-c", script, str(home), str(template)], stdout=subprocess.PIPE)
    try:
        assert parent.stdout
        wait_until("the process of the server to be named", lambda: select.select([parent.stdout], [], [], 0)[0], 60)
        server = int(json.loads(parent.stdout.readline()))
        functions = children(server)
        assert functions and is_alive(server)
        os.kill(parent.pid, signal.SIGKILL)
        wait_until("server and functions to end", lambda: not any(is_alive(pid) for pid in (server, *functions)), 10)
        wait_until("the home to be gone", lambda: not home.exists(), 10)
    finally:
        parent.kill()
        parent.wait(10)
        parent.stdout.close()
