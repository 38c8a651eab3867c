"""SimulatePrincipalPolicy of IAM, which moto leaves out: what a user's or role's policies would say to a call."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.responses import IamResponse

if TYPE_CHECKING:
    from localaws.cloud import Cloud


def simulate(cloud: "Cloud") -> Callable[[IamResponse], ActionResult]:
    """Return the operation; like IAM's it knows identity policies and boundaries, no policies of sessions or resources."""

    def simulate_principal_policy(self: IamResponse) -> ActionResult:
        arn = self._get_param("PolicySourceArn")
        try:
            caller = cloud.guard.principal(arn)
        except KeyError as error:
            raise NotFoundException(f"{arn} does not exist.") from error
        context = {entry["ContextKeyName"].lower(): entry["ContextKeyValues"][0] for entry in self._get_param("ContextEntries", [])}
        results = [
            _result(action, resource, cloud.guard.identity_allows(caller, action, resource, context))
            for action in self._get_param("ActionNames")
            for resource in self._get_param("ResourceArns", ["*"])
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    return simulate_principal_policy


def _result(action: str, resource: str, verdict: bool | None) -> dict[str, Any]:
    decision = {True: "allowed", False: "explicitDeny", None: "implicitDeny"}[verdict]
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision,
        "MatchedStatements": [],
        "MissingContextValues": [],
    }


def install(cloud: "Cloud") -> None:
    """Let moto's IAM answer the operation."""
    IamResponse.simulate_principal_policy = simulate(cloud)
