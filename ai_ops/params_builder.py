#!/usr/bin/env python3
"""Fill params.json with what is only known after deployment: role, bucket and paths; on request also attach the role and upload the file.

params_builder.py ROLE BUCKET                            print the finished file (or write it: --out FILE)
params_builder.py --stack NAME --cluster NAME --upload   take role and bucket from a deployed stack, let the cluster
                                                         (or --workgroup) use the role, upload: this starts the set-up
"""

# ruff: noqa: T201 - a command line prints
import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
FOLDER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*")
DATABASES = ("redshift", "postgresql")
TEMPLATE = "{{yyyyMMdd}}/{{HHmm}}"
ROLE_WAIT_SECONDS = 600
RIGHT_WAIT_SECONDS = 60


class RefusedError(Exception):
    """An argument or the account's state makes the work impossible; the message says which and why."""


def build(params: dict[str, Any], role: str, bucket: str, folder: str = "ecommerce") -> dict[str, Any]:
    """The params with role, bucket and paths filled in; everything else stays as it is."""
    if not ROLE.fullmatch(role):
        raise RefusedError(f"ROLE is not the ARN of a role: {role!r}")
    if not BUCKET.fullmatch(bucket):
        raise RefusedError(f"BUCKET is not the name of a bucket: {bucket!r}")
    if not FOLDER.fullmatch(folder):
        raise RefusedError(f"--folder takes letters, digits, - and _: {folder!r}")
    live = f"s3://{bucket}/{folder}/live/"
    source = {
        **params["metric_source"]["S3SourceConfig"],
        "RoleArn": role,
        "HistoricalDataPathList": [f"s3://{bucket}/{folder}/backtest/"],
        "TemplatedPathList": [live + TEMPLATE],
    }
    filled = {"metric_source": {"S3SourceConfig": source}, "s3_bucket": bucket, "s3_path_continuous_root": live}
    return {**params, **filled}


def for_database(params: dict[str, Any], database: str) -> dict[str, Any]:
    """The params of a kind of database: its type, its secret, and a name that says no other kind; the type ends the detector's name."""
    if params["database_type"] == database:
        return params
    named = params["detector_name"].replace(f"{params['database_type']}-", "")
    secret = params.get("secret_name", "").replace(params["database_type"], database)
    return {**params, "database_type": database, "detector_name": named, "secret_name": secret or f"{database}-l4mintegration"}


def stack_outputs(cloudformation: Any, stack: str) -> tuple[str, str]:
    """Role and input bucket of a deployed stack: the connector's own, or the root's that passes them on."""
    listed = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    outputs = {output["OutputKey"]: output["OutputValue"] for output in listed}
    missing = sorted({"LookoutForMetricsRoleArn", "InputBucketName"} - outputs.keys())
    if missing:
        raise RefusedError(f"the stack {stack} has no output {', '.join(missing)}")
    return outputs["LookoutForMetricsRoleArn"], outputs["InputBucketName"]


def attach_to_cluster(redshift: Any, cluster: str, role: str, pause: Callable[[float], None] = time.sleep) -> None:
    """Let the cluster use the role, beside the roles it has; return when it can."""

    def state() -> str | None:
        described = redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]
        return next((given["ApplyStatus"] for given in described.get("IamRoles", []) if given["IamRoleArn"] == role), None)

    if state() is None:
        redshift.modify_cluster_iam_roles(ClusterIdentifier=cluster, AddIamRoles=[role])
    wait_until(lambda: state() == "in-sync", f"cluster {cluster} to take over the role", pause)


def attach_to_workgroup(serverless: Any, workgroup: str, role: str, pause: Callable[[float], None] = time.sleep) -> None:
    """Let the workgroup's namespace use the role, beside the roles it has; return when it can."""
    namespace = serverless.get_workgroup(workgroupName=workgroup)["workgroup"]["namespaceName"]

    def roles() -> dict[str, str]:
        texts = serverless.get_namespace(namespaceName=namespace)["namespace"].get("iamRoles", [])
        return dict(role_and_status(text) for text in texts)

    given = roles()
    if role not in given:
        serverless.update_namespace(namespaceName=namespace, iamRoles=[*given, role])
    wait_until(lambda: roles().get(role) == "in-sync", f"namespace {namespace} to take over the role", pause)


def role_and_status(text: str) -> tuple[str, str]:
    """Role ARN and state of one entry as the serverless API writes it: a plain ARN, or IamRole(applyStatus=…, iamRoleArn=…)."""
    arn = re.search(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", text)
    status = re.search(r"applyStatus=([\w-]+)", text)
    if arn is None:
        raise RefusedError(f"the namespace lists a role that cannot be read: {text!r}")
    return arn.group().rstrip(","), status.group(1) if status else "in-sync"


def wait_until(done: Callable[[], bool], what: str, pause: Callable[[float], None], seconds: int = ROLE_WAIT_SECONDS) -> None:
    """Look every two seconds until it is done."""
    for _ in range(seconds // 2):
        if done():
            return
        pause(2)
    raise RefusedError(f"waited {seconds} s in vain for {what}")


def upload(s3: Any, bucket: str, text: str, pause: Callable[[float], None] = time.sleep) -> None:
    """Put params.json into the bucket; a right that was only just given takes a moment to be known everywhere."""

    def is_there() -> bool:
        try:
            s3.put_object(Bucket=bucket, Key="params.json", Body=text.encode(), ContentType="application/json")
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False
        return True

    wait_until(is_there, f"the right to write s3://{bucket}/params.json", pause, RIGHT_WAIT_SECONDS)


def main() -> int:
    arguments = parse_arguments()
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - help needs no AWS SDK

    try:
        run(arguments)
    except (RefusedError, BotoCoreError) as error:
        print(f"params_builder: {error}", file=sys.stderr)
        return 1
    return 0


def run(arguments: argparse.Namespace) -> None:
    import boto3  # noqa: PLC0415 - help needs no AWS SDK

    role, bucket = arguments.role, arguments.bucket
    if arguments.stack:
        role, bucket = stack_outputs(boto3.client("cloudformation"), arguments.stack)
    given = json.loads(arguments.params.read_text(encoding="utf-8"))
    if arguments.sample:
        given |= json.loads((ROOT / "sample_resources" / arguments.sample / "params.json").read_text(encoding="utf-8"))
    if arguments.database:
        given = for_database(given, arguments.database)
    given |= {key: value for key, value in {"secret_name": arguments.secret_name, "alert_sns_topic_arn": arguments.topic}.items() if value}
    text = json.dumps(build(given, role, bucket, arguments.folder or arguments.sample or "ecommerce"), indent=4) + "\n"
    if arguments.cluster:
        attach_to_cluster(boto3.client("redshift"), arguments.cluster, role)
    if arguments.workgroup:
        attach_to_workgroup(boto3.client("redshift-serverless"), arguments.workgroup, role)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    if arguments.upload:
        upload(boto3.client("s3"), bucket, text)
        print(f"uploaded s3://{bucket}/params.json")
    elif not arguments.out:
        print(text, end="")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", nargs="?", metavar="ROLE", help="ARN of LookoutForMetricsRole")
    parser.add_argument("bucket", nargs="?", metavar="BUCKET", help="the connector's InputBucket")
    parser.add_argument("--stack", help="take ROLE and BUCKET from this stack's outputs")
    parser.add_argument(
        "--params", type=Path, default=ROOT / "ai_ops" / "params.json", help="the file to start from (default: ai_ops/params.json)"
    )
    parser.add_argument("--sample", choices=("ecommerce", "flights"), help="lay a sample's params over it")
    parser.add_argument("--database", choices=DATABASES, help="kind of the database, if the file is of another")
    parser.add_argument("--folder", help="first folder of the data's paths (default: the sample's name, or ecommerce)")
    parser.add_argument("--secret-name", help="secret of the database")
    parser.add_argument("--topic", help="ARN of the SNS topic that alerts go to")
    database = parser.add_mutually_exclusive_group()
    database.add_argument("--cluster", help="let this cluster use the role")
    database.add_argument("--workgroup", help="let this serverless workgroup use the role")
    parser.add_argument("--out", type=Path, help="write the file here instead of printing it")
    parser.add_argument("--upload", action="store_true", help="upload it to the bucket, which starts the set-up")
    arguments = parser.parse_args()
    if bool(arguments.stack) == bool(arguments.role or arguments.bucket) or bool(arguments.role) != bool(arguments.bucket):
        parser.error("give ROLE and BUCKET, or --stack")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
