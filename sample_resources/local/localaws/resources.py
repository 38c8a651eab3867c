"""Which ARNs a call touches: one small table of service and parameter."""

import re
from collections.abc import Callable, Iterable
from typing import Any

Get = Callable[[str], Any]


class Place:
    """Makes ARNs of one account and region."""

    def __init__(self, account: str, region: str, partition: str = "aws") -> None:
        self.account = account
        self.region = region
        self.partition = partition

    def arn(self, service: str, name: str) -> str:
        """Return ``name`` as an ARN; an ARN stays as it is."""
        return name if name.startswith("arn:") else f"arn:{self.partition}:{service}:{self.region}:{self.account}:{name}"


def touched(service: str, action: str, get: Get, place: Place, path: str = "") -> list[str]:
    """Return the ARNs that a call touches, ``["*"]`` for an action without resource level."""
    rule = TABLE.get(service)
    found = [arn for arn in rule(action, get, place, path) if arn] if rule else []
    return found or ["*"]


def _dynamodb(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    names = [get("TableName")] if get("TableName") else list(get("RequestItems") or {})
    for item in get("TransactItems") or []:
        names += [part["TableName"] for part in item.values()]
    index = get("IndexName")
    for name in names:
        arn = place.arn("dynamodb", f"table/{name}")
        yield f"{arn}/index/{index}" if index else arn


def _lambda(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    found = re.search(r"/functions/([^/]+)", path)
    if found:
        name = found[1].replace("%3A", ":").replace("%3a", ":")
        yield name if name.startswith("arn:") else place.arn("lambda", f"function:{name}")


def _sns(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    yield get("TopicArn") or get("TargetArn") or get("ResourceArn") or ("" if not get("SubscriptionArn") else get("SubscriptionArn"))


def _sqs(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    url = get("QueueUrl") or get("QueueName") or ""
    yield place.arn("sqs", str(url).rsplit("/", 1)[-1]) if url else ""


def _states(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    yield get("stateMachineArn") or get("executionArn") or get("resourceArn") or ""


def _secretsmanager(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    name = get("SecretId") or get("Name") or ""
    yield secret_arn(name, place) if name else ""


def secret_arn(name: str, place: Place) -> str:
    """Return a secret's full ARN with its random suffix, from its name or partial ARN."""
    from moto.secretsmanager.models import secretsmanager_backends  # noqa: PLC0415 (the table itself stays free of moto)

    for secret in secretsmanager_backends[place.account][place.region].secrets.values():
        if name in (secret.name, secret.arn):
            return str(secret.arn)
    return place.arn("secretsmanager", f"secret:{name}")


def _events(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    for entry in get("Entries") or []:
        yield place.arn("events", _bus(entry.get("EventBusName")))
    if get("Rule") or (get("Name") and "Rule" in action):
        bus = get("EventBusName") or "default"
        middle = "" if bus == "default" else f"{bus.rsplit('/', 1)[-1]}/"
        yield place.arn("events", f"rule/{middle}{get('Rule') or get('Name')}")


def _bus(name: str | None) -> str:
    return name if name and name.startswith("arn:") else f"event-bus/{name or 'default'}"


def _scheduler(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    if found := re.fullmatch(r"/schedules/([^/?]+)", path):
        yield place.arn("scheduler", f"schedule/{get('GroupName') or get('groupName') or 'default'}/{found[1]}")
    elif found := re.fullmatch(r"/schedule-groups/([^/?]+)", path):
        yield place.arn("scheduler", f"schedule-group/{found[1]}")


def _logs(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    group = get("logGroupName")
    if group:
        stream = get("logStreamName")
        yield place.arn("logs", f"log-group:{group}:log-stream:{stream}" if stream else f"log-group:{group}")


def _kms(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    key = get("KeyId")
    yield place.arn("kms", key if key and key.startswith("alias/") else f"key/{key}") if key else ""


def _sts(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    yield get("RoleArn") or ""


def _iam(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    if get("RoleName"):
        yield f"arn:{place.partition}:iam::{place.account}:role/{get('RoleName')}"
    elif get("PolicyArn") or get("PolicySourceArn"):
        yield get("PolicyArn") or get("PolicySourceArn")


def _redshift(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    yield place.arn("redshift", f"cluster:{get('ClusterIdentifier')}") if get("ClusterIdentifier") else ""


def _cloudformation(action: str, get: Get, place: Place, path: str) -> Iterable[str]:
    yield place.arn("cloudformation", f"stack/{get('StackName')}/*") if get("StackName") else ""


TABLE: dict[str, Callable[[str, Get, Place, str], Iterable[str]]] = {
    "dynamodb": _dynamodb,
    "lambda": _lambda,
    "sns": _sns,
    "sqs": _sqs,
    "states": _states,
    "secretsmanager": _secretsmanager,
    "events": _events,
    "scheduler": _scheduler,
    "logs": _logs,
    "kms": _kms,
    "sts": _sts,
    "iam": _iam,
    "redshift": _redshift,
    "cloudformation": _cloudformation,
}
