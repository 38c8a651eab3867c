"""Where each kind of resource lies in the table."""

from l4m.arns import name_of
from l4m.store.table import Key

DETECTORS = "detector"
METRIC_SETS = "metric-set"
ALERTS = "alert"


def detector_key(arn: str) -> Key:
    """All detectors lie in one partition, by name: a name is taken once."""
    return Key(DETECTORS, name_of(arn))


def metric_set_key(arn: str) -> Key:
    """Takes the ARN of a metric set or of its detector: a detector has one metric set, so its name is the key."""
    return Key(METRIC_SETS, name_of(arn))


def alert_key(arn: str) -> Key:
    """All alerts lie in one partition, by name."""
    return Key(ALERTS, name_of(arn))


def feedback_partition(detector_arn: str) -> str:
    """Everything that users said about one detector's groups."""
    return f"{name_of(detector_arn)}#feedback"


def feedback_key(detector_arn: str, group_id: str, series_id: str) -> Key:
    """One answer per series of a group."""
    return Key(feedback_partition(detector_arn), f"{group_id}#{series_id}")
