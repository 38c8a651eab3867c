"""From one of moto's requests to the accesses it means, and the guard's answer."""

import re
from typing import Any
from urllib.parse import unquote

from localaws.identity import Caller, Guard, NotAuthorizedError
from localaws.resources import touched

ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:InvokeAsync": "lambda:InvokeFunction",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "dynamodb:TransactGetItems": "dynamodb:GetItem",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
}
TRANSACTION = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}
SERVICES = {"monitoring": "cloudwatch", "awslambda": "lambda", "eventbridge": "events"}
PASSES_ROLE = {"scheduler": ("Target", "RoleArn"), "lambda": ("Role",), "states": ("roleArn",), "events": ("RoleArn",)}
PASSED_TO = {
    "scheduler": "scheduler.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "states": "states.amazonaws.com",
    "events": "events.amazonaws.com",
}
OPEN = {"sts:GetCallerIdentity"}


def scope(authorization: str) -> tuple[str, str]:
    """Return access key id and signing service of a SigV4 header; raises ``NotAuthorizedError`` for anything else."""
    found = re.search(r"Credential=([^/,]+)/[^/]+/[^/]+/([^/]+)/aws4_request", authorization)
    if not found:
        raise NotAuthorizedError("Missing Authentication Token")
    return found[1], found[2].lower()


def authorize(guard: Guard, call: Any, resource: str) -> None:
    """Check one of moto's calls; ``resource`` counts for S3, where moto knows it."""
    if not guard.is_enforcing:
        return
    key, signed_for = scope(call.headers.get("Authorization", "") or _presigned(call))
    service = SERVICES.get(signed_for, signed_for)
    name = call._get_action()
    name = name[0] if isinstance(name, list) else name
    caller = guard.caller(key, call.headers.get("X-Amz-Security-Token") or call.querystring.get("X-Amz-Security-Token", [None])[0])
    action = ACTIONS.get(f"{service}:{name}", f"{service}:{name}")
    if action in OPEN:
        return
    if service == "s3":
        _check_s3(guard, caller, call, action, resource)
    elif service == "dynamodb" and name.startswith("Transact"):
        for item in call._get_param("TransactItems") or []:
            for kind, part in item.items():
                guard.check(caller, TRANSACTION[kind], [guard.place.arn("dynamodb", f"table/{part['TableName']}")])
    else:
        guard.check(caller, action, touched(service, name, call._get_param, guard.place, call.raw_path), _context(service, call))
        _check_passed_role(guard, caller, service, name, call)


def _presigned(call: Any) -> str:
    credential = call.querystring.get("X-Amz-Credential", [""])[0]
    return f"Credential={credential}," if credential else ""


def _check_s3(guard: Guard, caller: Caller, call: Any, action: str, resource: str) -> None:
    context = {
        f"s3:{key}": call.querystring[key][0] for key in ("prefix", "delimiter", "max-keys") if isinstance(call.querystring.get(key), list)
    }
    if action == "s3:DeleteObject" and "/" not in resource.rsplit(":::", maxsplit=1)[-1]:
        keys = re.findall(r"<Key>(.*?)</Key>", call.body.decode() if isinstance(call.body, bytes) else str(call.body))
        guard.check(caller, action, [f"{resource}/{key}" for key in keys] or [f"{resource}/*"])
        return
    guard.check(caller, action, [unquote(resource)], context)
    if source := call.headers.get("x-amz-copy-source"):
        guard.check(caller, "s3:GetObject", [f"arn:aws:s3:::{unquote(source).lstrip('/').split('?')[0]}"])


def _context(service: str, call: Any) -> dict[str, str]:
    found = {}
    if service == "cloudwatch" and call._get_param("Namespace"):
        found["cloudwatch:namespace"] = call._get_param("Namespace")
    if service == "sts" and call._get_param("ExternalId"):
        found["sts:externalid"] = call._get_param("ExternalId")
    if service == "secretsmanager" and call._get_param("SecretId"):
        found["secretsmanager:secretid"] = call._get_param("SecretId")
    if service == "events" and call._get_param("Entries"):
        entries = call._get_param("Entries")
        found |= {"events:source": entries[0].get("Source", ""), "events:detail-type": entries[0].get("DetailType", "")}
    return found


def _check_passed_role(guard: Guard, caller: Caller, service: str, name: str, call: Any) -> None:
    """Check ``iam:PassRole`` for a call that hands a role to a service."""
    if service not in PASSES_ROLE or not name.startswith(("Create", "Update", "Put")):
        return
    value: Any = call._get_param(PASSES_ROLE[service][0])
    for part in PASSES_ROLE[service][1:]:
        value = (value or {}).get(part)
    if isinstance(value, str) and value.startswith("arn:"):
        guard.check(caller, "iam:PassRole", [value], {"iam:passedtoservice": PASSED_TO[service]})
