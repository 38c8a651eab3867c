"""Whether a caller may hand the service a role: nobody reaches with our rights what they may not reach with their own."""

from __future__ import annotations

import re
from datetime import timedelta

from l4m.errors import AccessDenied
from l4m.service.context import Context

SERVICE = "lookoutmetrics.amazonaws.com"  # whom policies of old name in iam:PassedToService
REMEMBERED = timedelta(minutes=5)
_SESSION = re.compile(r"arn:[a-z-]+:sts::(\d{12}):assumed-role/([^/]+)/.+")
_USER = re.compile(r"arn:[a-z-]+:iam::(\d{12}):(user/.+|root)")


def require_pass_role(context: Context, role_arn: str) -> None:
    """AccessDenied unless the caller has ``iam:PassRole`` on a role named in the request; a yes is remembered for five minutes.

    Policies of the caller's session, which IAM does not show, are not counted.
    """
    asked = (context.caller, role_arn)
    if (until := context.passed_roles.get(asked)) and context.now < until:
        return
    principal = _principal(context)
    if not (principal.endswith(":root") or _is_allowed(context, principal, role_arn)):
        raise AccessDenied(f"{context.caller} is not authorized to perform iam:PassRole on {role_arn} for {SERVICE}")
    context.passed_roles[asked] = context.now + REMEMBERED


def _is_allowed(context: Context, principal: str, role_arn: str) -> bool:
    stated = {"ContextKeyName": "iam:PassedToService", "ContextKeyValues": [SERVICE], "ContextKeyType": "string"}
    simulated = context.clients.client("iam").simulate_principal_policy(
        PolicySourceArn=principal, ActionNames=["iam:PassRole"], ResourceArns=[role_arn], ContextEntries=[stated]
    )
    return all(result["EvalDecision"] == "allowed" for result in simulated["EvaluationResults"])


def _principal(context: Context) -> str:
    """The user or role behind the caller; of a session only the role's name is known, not its path."""
    if (user := _USER.fullmatch(context.caller)) and user[1] == context.account:
        return context.caller
    if (session := _SESSION.fullmatch(context.caller)) and session[1] == context.account:
        return str(context.clients.client("iam").get_role(RoleName=session[2])["Role"]["Arn"])
    raise AccessDenied(
        f"{context.caller or 'a caller without a name'} is neither a user nor a role of the account {context.account}, and passes no role"
    )
