"""deploy_custom_connector.sh goes step by step and takes up where it was; sam, aws and Python are stand-ins that keep a log."""

import os
import subprocess

import pytest

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift-l4mintegration-abcdef"
GOOD = ["lambda-bucket", "demo", SECRET, "notebook-role"]
OUTPUTS = {
    "custom-rs-connector-service": {
        "ServiceEndpoint": "https://api",
        "ServiceApiArn": "arn:api",
        "ServiceRoleArn": "arn:service-role",
        "SharedLayerArn": "arn:layer",
    },
    "custom-rs-connector": {"InputBucketName": "input", "LookoutForMetricsRoleArn": "arn:role", "NotificationTopicArn": "arn:topic"},
}
AWS = r"""
name=$(printf '%s\n' "$@" | grep -A1 -x -- --stack-name | tail -1)
echo "aws $*" >> "$LOG"
case "$*" in
  *describe-stacks*StackStatus*) cat "$STATE/$name.status" 2>/dev/null || exit 254 ;;
  *describe-stacks*Outputs*) cat "$STATE/$name.outputs" 2>/dev/null || true ;;
  *delete-stack*) rm -f "$STATE/$name.status" ;;
esac
"""
SAM = r"""
name=$(printf '%s\n' "$@" | grep -A1 -x -- --stack-name | tail -1)
echo "sam $*" >> "$LOG"
[ "$1" = build ] || { [ "$name" != "${FAIL_AT:-}" ] || exit 1; echo CREATE_COMPLETE > "$STATE/$name.status"; }
"""


@pytest.fixture
def deploy(root, tmp_path):
    """A copy of the script in a tree whose tools only write down what they were asked for."""
    (tmp_path / "ai_ops").mkdir()
    for file in (root / "ai_ops").glob("*.yaml"):
        (tmp_path / "ai_ops" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "state").mkdir()
    for stack, outputs in OUTPUTS.items():
        (tmp_path / f"state/{stack}.outputs").write_text("".join(f"{key}\t{value}\n" for key, value in outputs.items()))
    tools = {"bin/aws": AWS, ".venv-sam/bin/sam": SAM, "bin/python3": 'echo "python $*" >> "$LOG"', "scripts/install": "true"}
    for name, body in tools.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    script = tmp_path / "ai_ops/deploy_custom_connector.sh"
    script.write_bytes((root / "ai_ops/deploy_custom_connector.sh").read_bytes())

    def run(*arguments, **environment):
        places = {"LOG": str(tmp_path / "log"), "STATE": str(tmp_path / "state")}
        given = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", **places, **environment}
        done = subprocess.run(["bash", str(script), *arguments], env=given, capture_output=True, text=True, check=False, timeout=30)
        log = (tmp_path / "log").read_text().splitlines() if (tmp_path / "log").exists() else []
        (tmp_path / "log").unlink(missing_ok=True)
        return done, log

    run.state = tmp_path / "state"
    return run


def steps(log):
    """Deployments and the upload, in order."""
    done = [line for line in log if line.startswith(("sam deploy", "python"))]
    return ["params" if line.startswith("python") else line.split("--stack-name ")[1].split()[0] for line in done]


def deployment(log, stack):
    """The last deployment of a stack, as it was asked for."""
    return [line for line in log if line.startswith("sam deploy") and f"--stack-name {stack} " in line][-1]


def test_the_steps_come_in_the_order_in_which_they_need_each_other(deploy):
    done, log = deploy(*GOOD)
    assert done.returncode == 0, done.stderr
    service, connector, crawl = "custom-rs-connector-service", "custom-rs-connector", "custom-rs-connector-crawl"
    assert steps(log) == [service, connector, "params", crawl, service]
    upload = next(line for line in log if line.startswith("python"))
    assert upload.endswith("params_builder.py arn:role input --secret-name redshift-l4mintegration --cluster demo --upload")
    assert not any(line.startswith("sleep") for line in log)


def test_outputs_become_the_parameters_of_the_next_stack(deploy):
    _, log = deploy(*GOOD, PERMISSIONS_BOUNDARY="arn:boundary", DEPLOY_ROLE_ARN="arn:deploy")
    connector = deployment(log, "custom-rs-connector")
    assert "ParameterKey=ServiceEndpoint,ParameterValue=https://api" in connector
    assert "ParameterKey=RedshiftCluster,ParameterValue=demo" in connector
    assert "ParameterKey=SageMakerNotebookRole,ParameterValue=notebook-role" in connector
    assert "--role-arn arn:deploy" in connector
    assert "arn:boundary" in connector
    crawl = deployment(log, "custom-rs-connector-crawl")
    assert "ParameterKey=InputBucketName,ParameterValue=input" in crawl
    assert "ServiceEndpoint" not in crawl
    assert "ParameterKey=AlarmTopicArn,ParameterValue=arn:topic" in deployment(log, "custom-rs-connector-service")


def test_sizes_and_hours_are_handed_on_to_the_stacks_that_have_them(deploy):
    _, log = deploy(*GOOD[:3], "-", RUN_MEMORY="10240", MAX_SERIES="1000000", RUN_STORAGE="9000", EVENT_BUS_NAME="shop", LATE_HOURS="26")
    service, crawl = deployment(log, "custom-rs-connector-service"), deployment(log, "custom-rs-connector-crawl")
    for name, value in (("RunMemory", "10240"), ("MaxSeries", "1000000"), ("RunStorage", "9000"), ("EventBusName", "shop")):
        assert f"ParameterKey={name},ParameterValue={value}" in service
        assert name not in crawl
    assert "ParameterKey=LateHours,ParameterValue=26" in crawl
    assert "SageMakerNotebookRole" not in deployment(log, "custom-rs-connector"), "- stands for no role"


def test_a_workgroup_is_handed_on_as_one(deploy):
    done, log = deploy("lambda-bucket", "workgroup:demo", SECRET, "role")
    assert done.returncode == 0, done.stderr
    text = "\n".join(log)
    assert "--workgroup demo --upload" in text
    assert "ParameterKey=RedshiftWorkgroup,ParameterValue=demo" in text
    assert "RedshiftCluster," not in text


def test_another_database_is_named_by_its_kind_and_its_own_crawl_is_deployed(deploy):
    done, log = deploy("lambda-bucket", "postgresql", SECRET, "notebook-role", SUBNET_IDS="subnet-0a", SECURITY_GROUP_IDS="sg-0b")
    assert done.returncode == 0, done.stderr
    connector = deployment(log, "custom-rs-connector")
    assert "ParameterKey=DatabaseType,ParameterValue=postgresql" in connector
    assert f"ParameterKey=DatabaseSecret,ParameterValue={SECRET}" in connector
    assert "RedshiftCluster" not in connector
    assert "l4m-postgresql-continuous-crawl" in deployment(log, "custom-rs-connector-crawl")
    assert "ParameterKey=SubnetIds,ParameterValue=subnet-0a" in deployment(log, "custom-rs-connector-crawl")
    (params,) = [line for line in log if line.startswith("python")]
    assert "--secret-name postgresql-l4mintegration --database postgresql" in params


def test_a_failure_stops_there_and_the_next_run_gets_through(deploy):
    done, log = deploy(*GOOD, FAIL_AT="custom-rs-connector")
    assert done.returncode == 1
    assert steps(log)[-1] == "custom-rs-connector"
    (deploy.state / "custom-rs-connector.status").write_text("ROLLBACK_COMPLETE\n")
    done, log = deploy(*GOOD)
    assert done.returncode == 0, done.stderr
    removed = log.index("aws cloudformation delete-stack --stack-name custom-rs-connector")
    assert log[removed + 1] == "aws cloudformation wait stack-delete-complete --stack-name custom-rs-connector"
    assert steps(log)[-2:] == ["custom-rs-connector-crawl", "custom-rs-connector-service"]


def test_a_stack_that_is_being_updated_is_waited_for(deploy):
    (deploy.state / "custom-rs-connector.status").write_text("UPDATE_IN_PROGRESS\n")
    _, log = deploy(*GOOD)
    waited = log.index("aws cloudformation wait stack-update-complete --stack-name custom-rs-connector")
    assert waited < log.index(deployment(log, "custom-rs-connector"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "got 0 arguments"),
        (["UPPER", *GOOD[1:]], "LAMBDA_BUCKET"),
        (["lambda-bucket", "No Cluster", SECRET, "role"], "CLUSTER"),
        (["lambda-bucket", "demo", "redshift-l4mintegration", "role"], "SECRET"),
    ],
)
def test_nonsense_is_refused_before_anything_happens(deploy, arguments, named):
    done, log = deploy(*arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert log == []


ROLE = "arn:aws:iam::123456789012:role/x"


@pytest.mark.parametrize("arguments", [[], ["secret"], ["secret", "bucket", "no-arn"], ["secret", "bucket", ROLE, "weather"]])
def test_the_sample_script_refuses_nonsense_too(root, arguments):
    script = root / "sample_resources/redshift/deploy_redshift_environment.sh"
    done = subprocess.run([str(script), *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr
