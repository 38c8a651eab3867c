"""`l4m verify --stack NAME`: whether an installation works, line by line: what passed, or what is missing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import click
from botocore.exceptions import BotoCoreError, ClientError

from l4m.api.service_model import MODELS
from l4m.commands.params_file import ENDPOINT
from l4m.errors import L4mError

LEAST_EXECUTIONS = 10  # of functions at once that even a new account has
UNLOAD_SECONDS = 60
PAUSE_SECONDS = 1.0
FOLDER = "_verify"
NOBODY = "l4m-verify"  # a detector's name that nobody has
HEALTHY = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
OUTPUTS = ("ServiceEndpoint", "InputBucketName", "LookoutForMetricsRoleArn")
SECRET_KEYS = ("username", "password", "db")


class Clients(Protocol):
    """AWS clients by the name of their service."""

    def client(self, service: str) -> Any:
        """The client of a service."""


class MissingError(L4mError):
    """Something that an installation needs is not there; the message says what, and what to do."""


@dataclass
class Installation:
    """What the stacks of a name hold: the root's nested ones, or those that the deploy script makes beside each other."""

    clients: Clients
    name: str
    pause: Callable[[float], None] = time.sleep
    statuses: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    resources: dict[str, list[str]] = field(default_factory=dict)  # physical ids by type

    def find(self) -> None:
        """Look everything up."""
        for stack in (self.name, f"{self.name}-service", f"{self.name}-crawl"):
            self._find(stack)
        if not self.statuses:
            raise MissingError(f"there is no stack {self.name} in this account and region")

    def _find(self, stack: str) -> None:
        cloudformation = self.clients.client("cloudformation")
        try:
            (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return
            raise
        self.statuses[described["StackName"]] = described["StackStatus"]
        self.outputs |= {item["OutputKey"]: item["OutputValue"] for item in described.get("Outputs", [])}
        self.parameters |= {item["ParameterKey"]: item["ParameterValue"] for item in described.get("Parameters", [])}
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
            for resource in page["StackResourceSummaries"]:
                kind, made = resource["ResourceType"], resource.get("PhysicalResourceId", "")
                self.resources.setdefault(kind, []).append(made)
                if kind == "AWS::CloudFormation::Stack" and made:
                    self._find(made)

    @property
    def target(self) -> dict[str, str]:
        """The database, as the Data API takes it."""
        if workgroup := self.parameters.get("RedshiftWorkgroup"):
            return {"WorkgroupName": workgroup}
        return {"ClusterIdentifier": self.parameters.get("RedshiftCluster", "")}

    def secret(self) -> Mapping[str, Any]:
        """The secret's ARN, and what it holds; the password is never told."""
        answer = self.clients.client("secretsmanager").get_secret_value(SecretId=self.parameters.get("RedshiftSecret", ""))
        held = json.loads(answer["SecretString"])
        if lacking := [key for key in SECRET_KEYS if not held.get(key)]:
            raise MissingError(f"the secret has no {', '.join(lacking)}; deploy.md shows its form")
        return {"arn": answer["ARN"], "db": held["db"]}


def stacks(found: Installation) -> str:
    """Complete, and with all that the rest needs."""
    broken = [f"{name} is {status}" for name, status in found.statuses.items() if status not in HEALTHY]
    if broken:
        raise MissingError(f"{', '.join(broken)}; its events in the console say why")
    if lacking := [name for name in OUTPUTS if name not in found.outputs]:
        raise MissingError(f"no stack of this name has the output {', '.join(lacking)}; name the root's stack or the connector's")
    return f"{len(found.statuses)} complete"


def executions(found: Installation) -> str:
    """The account's quota of functions at once."""
    limits = found.clients.client("lambda").get_account_settings()["AccountLimit"]
    free = limits.get("UnreservedConcurrentExecutions", limits["ConcurrentExecutions"])
    if free < LEAST_EXECUTIONS:
        raise MissingError(f"only {free} functions may run at once; ask for more in Service Quotas, or free what other functions reserve")
    return f"{free} functions at once"


def alarms(found: Installation) -> str:
    """None rings."""
    names = found.resources.get("AWS::CloudWatch::Alarm", [])
    listed = found.clients.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    ringing = [alarm["AlarmName"] for alarm in listed if alarm["StateValue"] == "ALARM"]
    if ringing or len(listed) < len(names):
        gone = sorted(set(names) - {alarm["AlarmName"] for alarm in listed})
        raise MissingError(
            "; ".join([f"{name} rings: operations.md says what to do" for name in ringing] + [f"{name} is gone" for name in gone])
        )
    return f"{len(names)} quiet"


def queues(found: Installation) -> str:
    """Nothing lies in a dead-letter queue."""
    sqs, urls = found.clients.client("sqs"), found.resources.get("AWS::SQS::Queue", [])
    asked = ["ApproximateNumberOfMessages"]
    held = {url: int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"][asked[0]]) for url in urls}
    if full := [f"{url.rsplit('/', 1)[-1]} holds {number}" for url, number in held.items() if number]:
        raise MissingError(f"{', '.join(full)}; the messages say what went wrong, purge the queue afterwards")
    return f"{len(urls)} empty"


def schedule(found: Installation) -> str:
    """The crawl is called."""
    events, names = found.clients.client("events"), found.resources.get("AWS::Events::Rule", [])
    off = [name for name in names if events.describe_rule(Name=name.rsplit("|", 1)[-1])["State"] != "ENABLED"]
    if off or not names:
        raise MissingError(f"{', '.join(off) or 'a rule that calls the crawl'} is not enabled; nothing new is crawled")
    return f"{len(names)} rules on"


def api(found: Installation) -> str:
    """A signed call is answered, and one whose path holds an encoded ARN."""
    client = found.clients.client("lookoutmetrics")
    client.list_anomaly_detectors(MaxResults=1)
    _, partition, _, _, account, _ = found.outputs["LookoutForMetricsRoleArn"].split(":", 5)
    nothing = f"arn:{partition}:lookoutmetrics:{client.meta.region_name}:{account}:MetricSet/{NOBODY}/{NOBODY}"
    try:
        client.list_tags_for_resource(ResourceArn=nothing)
    except client.exceptions.ResourceNotFoundException:
        return "answers signed calls, and those with an encoded ARN in their path"
    raise MissingError(f"{nothing}, which is not there, was answered")


def secret(found: Installation) -> str:
    """Readable, and of the form that the crawl needs."""
    found.secret()
    return "readable, and complete"


def role(found: Installation) -> str:
    """Redshift has taken the role over."""
    arn, target = found.outputs["LookoutForMetricsRoleArn"], found.target
    if "WorkgroupName" in target:
        client = found.clients.client("redshift-serverless")
        namespace = client.get_workgroup(workgroupName=target["WorkgroupName"])["workgroup"]["namespaceName"]
        texts = client.get_namespace(namespaceName=namespace)["namespace"].get("iamRoles", [])
        state = next((("applyStatus=in-sync" in text or "applyStatus" not in text) for text in texts if arn in text), None)
    else:
        (cluster,) = found.clients.client("redshift").describe_clusters(**target)["Clusters"]
        state = next((given["ApplyStatus"] == "in-sync" for given in cluster.get("IamRoles", []) if given["IamRoleArn"] == arn), None)
    if state is None:
        raise MissingError(f"Redshift has not got the role {arn}; params_builder.py with --cluster or --workgroup gives it")
    if not state:
        raise MissingError(f"Redshift is still taking the role {arn} over; try again in a minute")
    return "in sync"


def unload(found: Installation) -> str:
    """What Redshift writes under the role, the service reads under it."""
    bucket, arn, held = found.outputs["InputBucketName"], found.outputs["LookoutForMetricsRoleArn"], found.secret()
    folder = f"{FOLDER}/{uuid4().hex}/"
    sql = f"UNLOAD ('select 1 as one') TO 's3://{bucket}/{folder}' IAM_ROLE '{arn}' HEADER CSV"
    data = found.clients.client("redshift-data")
    statement = data.execute_statement(
        Sql=sql, Database=held["db"], SecretArn=held["arn"], StatementName=f"{found.name}-verify", **found.target
    )
    try:
        _finish(found, data, statement["Id"])
        csv = {"CsvFormatDescriptor": {"ContainsHeader": True, "Delimiter": ",", "FileCompression": "NONE"}}
        source = {"RoleArn": arn, "HistoricalDataPathList": [f"s3://{bucket}/{folder}"], "FileFormatDescriptor": csv}
        sample = found.clients.client("lookoutmetrics").get_sample_data(S3SourceConfig=source)
    finally:
        _remove(found.clients.client("s3"), bucket, folder)
    if (sample["HeaderValues"], sample["SampleRows"]) != (["one"], [["1"]]):
        raise MissingError(f"what came back is not what was written: {sample['HeaderValues']} {sample['SampleRows']}")
    return "written by Redshift, read by the service, removed"


def _finish(found: Installation, data: Any, statement: str) -> None:
    for _ in range(int(UNLOAD_SECONDS / PAUSE_SECONDS)):
        described = data.describe_statement(Id=statement)
        if described["Status"] == "FINISHED":
            return
        if described["Status"] in ("FAILED", "ABORTED"):
            raise MissingError(f"Redshift: {described.get('Error', described['Status'])}")
        found.pause(PAUSE_SECONDS)
    data.cancel_statement(Id=statement)
    raise MissingError(f"Redshift did not finish within {UNLOAD_SECONDS} s; is it paused, or busy?")


def _remove(s3: Any, bucket: str, folder: str) -> None:
    listed = s3.list_object_versions(Bucket=bucket, Prefix=folder)
    keys = [{"Key": item["Key"], "VersionId": item["VersionId"]} for kind in ("Versions", "DeleteMarkers") for item in listed.get(kind, [])]
    if keys:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


CHECKS = (stacks, executions, alarms, queues, schedule, api, secret, role, unload)


@dataclass(frozen=True)
class Line:
    """How one check went."""

    check: str
    passed: bool
    told: str


def verify(found: Installation) -> Iterator[Line]:
    """One line a check; one that fails keeps none of the others from being made."""
    try:
        found.find()
    except (MissingError, ClientError, BotoCoreError) as error:
        yield Line("stacks", False, str(error))
        return
    for check in CHECKS:
        try:
            yield Line(check.__name__, True, check(found))
        except (MissingError, ClientError, BotoCoreError, KeyError, ValueError) as error:
            yield Line(
                check.__name__, False, str(error) if not isinstance(error, KeyError) else f"{error} is missing from the stacks' outputs"
            )


@click.command("verify")
@click.option("--stack", required=True, help="The root's stack, or the connector's that the deploy script made.")
@click.option("--json", "as_json", is_flag=True, help="Write the lines as JSON.")
@click.pass_context
def command(ctx: click.Context, stack: str, as_json: bool) -> None:
    """Tell whether an installation works: what passed, or what is missing. The exit code is 1 if anything is."""
    tell(ctx, list(verify(Installation(_clients(stack), stack))), as_json)


def tell(ctx: click.Context, lines: list[Line], as_json: bool) -> None:
    """Write the lines and leave, with 1 if anything is missing."""
    if as_json:
        click.echo(json.dumps([line.__dict__ for line in lines], indent=2))
    else:
        for line in lines:
            click.echo(f"{'passed ' if line.passed else 'MISSING'}  {line.check}: {line.told}")
    ctx.exit(0 if all(line.passed for line in lines) else 1)


def _clients(stack: str) -> Clients:
    """Clients of the account; the service's own endpoint is an output of the stacks, unless one stands for all services."""
    from loader import Loader  # noqa: PLC0415 - asking for help needs no AWS

    known = os.environ.get("AWS_DATA_PATH")
    os.environ["AWS_DATA_PATH"] = os.pathsep.join([str(MODELS), *([known] if known else [])])
    loader = Loader()
    if not os.environ.get(ENDPOINT) and not os.environ.get("AWS_ENDPOINT_URL"):
        found = Installation(loader, stack)
        with suppress(MissingError, ClientError, BotoCoreError):  # which the first line tells
            found.find()
        os.environ[ENDPOINT] = found.outputs.get("ServiceEndpoint", "https://service.invalid")
    return loader
