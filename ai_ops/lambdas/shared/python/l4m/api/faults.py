"""Errors as the wire has them: named in a header, explained in the body."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from l4m.errors import AccessDenied, Conflict, InvalidInput, L4mError, NotFound, QuotaExceeded, Unreadable

SHOWN_FIELDS = 100
VALIDATION = "ValidationException"
INTERNAL = "InternalServerException"
THROTTLED = "TooManyRequestsException"
_SERVICE_CODE = "lookoutmetrics"
_THROTTLES = (
    "Throttling",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
)


@dataclass(frozen=True)
class WireFault:
    """An error shape of the model with its members."""

    shape: str
    members: dict[str, Any] = field(default_factory=dict)


def unknown_operation(method: str, path: str) -> WireFault:
    """Nothing is called so."""
    return WireFault(VALIDATION, {"Message": f"no operation is called with {method[:20]} {path[:100]}", "Reason": "UNKNOWN_OPERATION"})


def cannot_parse(reason: str) -> WireFault:
    """The body is not the JSON object that every operation takes."""
    return WireFault(VALIDATION, {"Message": f"the body cannot be read: {reason}", "Reason": "CANNOT_PARSE"})


def internal() -> WireFault:
    """What the caller cannot help; the log knows more."""
    return WireFault(INTERNAL, {"Message": "the service failed to answer; try again"})


def fault_of(error: L4mError, modelled: frozenset[str]) -> WireFault:
    """The error shape for an error; one that the operation does not know becomes a ValidationException."""
    fault = _translate(error)
    return fault if fault.shape in modelled else WireFault(VALIDATION, {"Message": fault.members["Message"], "Reason": "OTHER"})


def fault_of_call(error: Exception, modelled: frozenset[str]) -> WireFault:
    """The error shape for a failed call to AWS: throttled, or our own trouble."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    if code in _THROTTLES and THROTTLED in modelled:
        return WireFault(THROTTLED, {"Message": "too many requests; slow down and try again"})
    return internal()


def _translate(error: L4mError) -> WireFault:
    if isinstance(error, InvalidInput):
        listed = [{"Name": fault.field, "Message": fault.message} for fault in error.faults[:SHOWN_FIELDS]]
        message = "; ".join(map(str, error.faults[:SHOWN_FIELDS]))
        return WireFault(VALIDATION, {"Message": message, "Reason": "FIELD_VALIDATION_FAILED", "Fields": listed})
    if isinstance(error, NotFound):
        return WireFault("ResourceNotFoundException", {"Message": str(error), "ResourceId": error.identifier, "ResourceType": error.kind})
    if isinstance(error, Conflict):
        about = {"ResourceId": error.identifier, "ResourceType": error.kind} if error.identifier else {}
        return WireFault("ConflictException", {"Message": str(error)} | about)
    if isinstance(error, QuotaExceeded):
        code = error.parameter or error.quota
        return WireFault("ServiceQuotaExceededException", {"Message": str(error), "QuotaCode": code, "ServiceCode": _SERVICE_CODE})
    if isinstance(error, AccessDenied):
        return WireFault("AccessDeniedException", {"Message": str(error)})
    is_ours = isinstance(error, Unreadable)
    return WireFault(INTERNAL, {"Message": str(error)}) if is_ours else WireFault(VALIDATION, {"Message": str(error), "Reason": "OTHER"})
