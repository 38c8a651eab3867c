"""What a person should do about each error that the state machine can end with."""

RETRY = "upload params.json again"
BY_ERROR = {
    "StatementFailed": f"Correct query.sql, the tables or the rights that the cause names, deploy, then {RETRY}.",
    "StatementAborted": f"Somebody or a cluster restart cancelled the query; {RETRY}.",
    "StatementTimedOut": f"Make the query faster, or raise HistoryLimitSeconds or the database's statement timeout; then {RETRY}.",
    "InvalidQuery": f"Correct query.sql in the crawl's folder, deploy, then {RETRY}.",
    "InvalidInput": f"Correct params.json, then {RETRY}.",
    "AccessDenied": f"Give the role that the cause names the missing right, then {RETRY}.",
    "SourceUnavailable": f"See that the database runs and accepts the Data API, then {RETRY}.",
    "DetectorFailed": f"Mend what the detector reports, then {RETRY}.",
    "ValidationException": f"Correct what the service refuses in params.json, then {RETRY}.",
    "ServiceQuotaExceededException": f"Delete what is no longer needed or raise the service's limit, then {RETRY}.",
    "AccessDeniedException": f"Give RoleArn of params.json the right that the cause names, then {RETRY}.",
    "DetectorTooSlow": "The detector still works on its history; follow it with `aws lookoutmetrics describe-anomaly-detector`.",
    "ExecutionAborted": f"If nobody meant to stop it, {RETRY}.",
    "Superseded": "Nothing: a newer params.json took over.",
}
DEFAULT = f"Read the log of the failed state's function; then {RETRY}."


def advise(error: str) -> str:
    """Return the advice for an error's name."""
    return BY_ERROR.get(error, DEFAULT)
