"""Delete what the connector made in an account: detectors, stored data, stacks, in the order in which nothing is missed."""

import argparse
import os
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[1]
SAMCONFIG = ROOT / "samconfig.toml"
MODELS = ROOT / "ai_ops" / "lambdas" / "shared" / "python" / "l4m" / "api" / "models"
ATTEMPTS = 3  # a stack whose bucket was written to while it was deleted is tried again
WAIT_SECONDS = 3600


@dataclass
class Stack:
    """One deployed stack, nested ones included, and what is stored in it."""

    name: str
    status: str
    outputs: dict[str, str] = field(default_factory=dict)
    buckets: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    logical_ids: set[str] = field(default_factory=set)


class NotOursError(Exception):
    """A stack of the expected name holds something else."""


class Account:
    """The clients of one account and region; ``pause`` waits between two looks at something that takes its time."""

    def __init__(self, session: Any, pause: Callable[[float], None] = time.sleep, say: Callable[[str], None] = print) -> None:
        self.session, self.pause, self.say = session, pause, say
        self.cloudformation, self.s3, self.dynamodb = session.client("cloudformation"), session.client("s3"), session.client("dynamodb")

    def find(self, name: str, marker: str) -> Stack | None:
        """The stack of this name, or None; a stack without the marker resource is somebody else's."""
        try:
            described = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        if described["StackStatus"] == "DELETE_COMPLETE":
            return None
        stack = Stack(name, described["StackStatus"], {item["OutputKey"]: item["OutputValue"] for item in described.get("Outputs", [])})
        for resource in self._resources(name):
            stack.logical_ids.add(resource["LogicalResourceId"])
            kept = self._kept_in(stack, resource)
            if kept is not None and resource.get("PhysicalResourceId") and resource["ResourceStatus"] != "DELETE_COMPLETE":
                kept.append(resource["PhysicalResourceId"])
        if stack.logical_ids and not any(name.endswith(marker) for name in stack.logical_ids):
            raise NotOursError(f"the stack {name} has no resource {marker}: it was not made by this project, name another one")
        stack.tables = [table for table in stack.tables if self._has_table(table)]
        return stack

    @staticmethod
    def _kept_in(stack: Stack, resource: dict[str, Any]) -> list[str] | None:
        """Where a resource is noted that outlives its stack."""
        if resource["LogicalResourceId"] == "DeployRole":
            return stack.roles
        if resource["LogicalResourceId"] == "CreatedRolesBoundary":
            return stack.policies
        kinds = {"AWS::S3::Bucket": stack.buckets, "AWS::DynamoDB::Table": stack.tables, "AWS::Lambda::LayerVersion": stack.layers}
        return kinds.get(resource["ResourceType"])

    def _has_table(self, name: str) -> bool:
        try:
            return bool(self.dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] != "DELETING")
        except self.dynamodb.exceptions.ResourceNotFoundException:
            return False

    def _resources(self, name: str) -> Iterator[dict[str, Any]]:
        for page in self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name):
            for resource in page["StackResourceSummaries"]:
                yield resource
                if resource["ResourceType"] == "AWS::CloudFormation::Stack" and resource.get("PhysicalResourceId"):
                    yield from self._resources(resource["PhysicalResourceId"])

    def detectors(self, endpoint: str) -> list[str]:
        """ARNs of all detectors of the service behind the endpoint."""
        client = self._service(endpoint)
        return [item["AnomalyDetectorArn"] for page in _pages(client) for item in page["AnomalyDetectorSummaryList"]]

    def delete_detectors(self, endpoint: str) -> None:
        """Delete every detector, which ends its schedule, and wait until it is gone; a busy one is asked again."""
        client = self._service(endpoint)

        def all_gone() -> bool:
            left = self.detectors(endpoint)
            for arn in left:
                self.say(f"deleting detector {arn.rsplit(':', 1)[-1]}")
                _ignoring(("ResourceNotFoundException", "ConflictException"), client.delete_anomaly_detector, AnomalyDetectorArn=arn)
            return not left

        self._wait(all_gone, "the detectors to be deleted")

    def _service(self, endpoint: str) -> Any:
        everywhere = os.environ.get("AWS_ENDPOINT_URL")  # one endpoint for all services, as a local AWS has it
        return self.session.client("lookoutmetrics", endpoint_url=everywhere or endpoint)

    def delete(self, stack: Stack) -> None:
        """Delete a stack and the data in it; data goes first, so that an interrupted run finds its way again."""
        for attempt in range(ATTEMPTS):
            for bucket in stack.buckets:
                self.delete_bucket(bucket)
            for table in stack.tables:
                self.say(f"deleting table {table}")
                _ignoring(("ResourceNotFoundException",), self.dynamodb.delete_table, TableName=table)
            self._delete_kept(stack)
            self.say(f"deleting stack {stack.name}")
            self.cloudformation.delete_stack(StackName=stack.name)
            self._wait(lambda: self._status(stack.name) in {"GONE", "DELETE_FAILED"}, f"stack {stack.name} to be deleted")
            if self._status(stack.name) == "GONE":
                return
            self.say(f"stack {stack.name} could not be deleted, attempt {attempt + 1} of {ATTEMPTS}")
        raise SystemExit(f"the stack {stack.name} cannot be deleted; its events in the console say why. Then run this again.")

    def _delete_kept(self, stack: Stack) -> None:
        """Delete layers of all versions, and the role and the boundary with which the stacks deleted before this one were made."""
        client, iam = self.session.client("lambda"), self.session.client("iam")
        for layer in dict.fromkeys(arn.split(":")[-2] for arn in stack.layers):
            for page in client.get_paginator("list_layer_versions").paginate(LayerName=layer):
                for version in page["LayerVersions"]:
                    self.say(f"deleting layer {layer} {version['Version']}")
                    client.delete_layer_version(LayerName=layer, VersionNumber=version["Version"])
        for role in stack.roles:
            self.say(f"deleting role {role}")
            with suppress(iam.exceptions.NoSuchEntityException):
                for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                    iam.delete_role_policy(RoleName=role, PolicyName=policy)
                iam.delete_role(RoleName=role)
        for policy in stack.policies:
            self.say(f"deleting policy {policy.rsplit('/', 1)[-1]}")
            _ignoring(("NoSuchEntity",), iam.delete_policy, PolicyArn=policy)

    def _status(self, name: str) -> str:
        try:
            status = str(self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
        except ClientError as error:
            if "does not exist" in str(error):
                return "GONE"
            raise
        return "GONE" if status == "DELETE_COMPLETE" else status

    def delete_bucket(self, bucket: str) -> None:
        """Empty a bucket, all versions and unfinished uploads included, and delete it."""
        try:
            self.say(f"emptying bucket {bucket}: {self._empty(bucket)} versions deleted")
            self.s3.delete_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NoSuchBucket", "BucketNotEmpty"}:  # written to meanwhile: the next attempt
                raise

    def _empty(self, bucket: str) -> int:
        deleted = 0
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            keys = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in versions]
            if keys:
                answer = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                if failed := answer.get("Errors"):
                    raise SystemExit(
                        f"cannot delete {len(failed)} objects of {bucket}, the first: {failed[0]['Key']}: {failed[0]['Message']}"
                    )
                deleted += len(keys)
        for page in self.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                self.s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        return deleted

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        for _ in range(WAIT_SECONDS // 5):
            if done():
                return
            self.pause(5)
        raise SystemExit(f"waited {WAIT_SECONDS} s in vain for {what}; run this again later")


def _pages(client: Any) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        page = client.list_anomaly_detectors(MaxResults=10, **token)
        yield page
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _ignoring(codes: tuple[str, ...], call: Callable[..., Any], **arguments: str) -> None:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def order(prefix: str | None, root: str | None, solution: str, demo: str | None) -> list[tuple[str, str]]:
    """Stack names with the resource that marks each as ours, in the order of deletion."""
    apps = [(f"{prefix}-crawl", "ContinuousCrawl"), (f"{prefix}", "InputBucket"), (f"{prefix}-service", "ServiceApi")]
    deployed = ([(root, "InputBucket")] if root else []) + (apps if prefix else [])
    return [*deployed, (solution, "SAMDeploySageMakerInstance"), *([(demo, "S3ContentBucket")] if demo else [])]


def deployed_with_sam(stage: str) -> str:
    """The name that `sam deploy --config-env STAGE` gives the root template's stack."""
    stages = tomllib.loads(SAMCONFIG.read_text(encoding="utf-8"))
    if stage not in stages or stage == "version":
        raise SystemExit(f"cleanup: samconfig.toml has no stage {stage!r}")
    return str(stages[stage]["deploy"]["parameters"]["stack_name"])


def main() -> int:
    arguments = parse_arguments()
    os.environ["AWS_DATA_PATH"] = os.pathsep.join(filter(None, [str(MODELS), os.environ.get("AWS_DATA_PATH")]))
    session = boto3.Session(region_name=arguments.region)
    account = Account(session)
    root, prefix = arguments.stack, arguments.prefix
    if not root and not prefix:  # whichever way it was deployed
        root, prefix = deployed_with_sam(arguments.config_env), "custom-rs-connector"
    names = order(prefix, root, arguments.solution, None if arguments.keep_demo else arguments.demo)
    try:
        stacks = [stack for name, marker in names if (stack := account.find(name, marker))]
    except NotOursError as error:
        print(f"cleanup: {error}", file=sys.stderr)
        return 1
    if not stacks:
        print("nothing to delete: none of " + ", ".join(name for name, _ in names) + " is there")
        return 0
    services = [stack for stack in stacks if stack.tables]  # one without its table has no detectors any more, and cannot answer
    endpoints = [stack.outputs["ServiceEndpoint"] for stack in services if stack.outputs.get("ServiceEndpoint")]
    show(account, stacks, endpoints)
    if arguments.dry_run or not (arguments.yes or confirmed(session.client("sts").get_caller_identity()["Account"], session.region_name)):
        print("nothing was deleted")
        return 0 if arguments.dry_run else 1
    for endpoint in dict.fromkeys(endpoints):
        account.delete_detectors(endpoint)
    for stack in stacks:
        account.delete(stack)
    print("all gone")
    return 0


def show(account: Account, stacks: list[Stack], endpoints: list[str]) -> None:
    """Print everything that would be deleted."""
    for endpoint in dict.fromkeys(endpoints):
        for arn in account.detectors(endpoint):
            print(f"detector {arn.rsplit(':', 1)[-1]}")
    for stack in stacks:
        print(f"stack {stack.name} ({stack.status})")
        for kind, names in (("bucket", stack.buckets), ("table", stack.tables)):
            for name in names:
                print(f"  {kind} {name} with all its data")


def confirmed(account: str, region: str) -> bool:
    """Whether a person types the account's number; without a terminal nobody can."""
    if not sys.stdin.isatty():
        print("cleanup: no terminal to ask at; --yes deletes without asking", file=sys.stderr)
        return False
    return input(f"This deletes all of it in account {account}, {region}. Type the account's number to go on: ").strip() == account


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/cleanup", description=__doc__)
    parser.add_argument(
        "--prefix", help="name of the connector's stack, deployed by the notebook or the script (default: custom-rs-connector)"
    )
    parser.add_argument("--stack", help="name of the root template's stack (default: the one of samconfig.toml)")
    parser.add_argument("--config-env", default="default", metavar="STAGE", help="stage of samconfig.toml that it was deployed with")
    parser.add_argument("--solution", default="CustomRedshiftConnector", help="stack of the second Launch Stack (default: %(default)s)")
    parser.add_argument("--demo", default="ProductionRedshiftDemo", help="stack of the first Launch Stack (default: %(default)s)")
    parser.add_argument("--keep-demo", action="store_true", help="leave the sample Redshift alone")
    parser.add_argument("--region", help="default: the AWS configuration's")
    parser.add_argument("--dry-run", action="store_true", help="show what would be deleted")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
