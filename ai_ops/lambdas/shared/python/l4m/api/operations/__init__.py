"""The operations of the API: each takes checked members, calls its use case, and answers with members."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from l4m.service.context import Context

Members = dict[str, Any]
MODULES = {
    "alerts": ("CreateAlert", "DeleteAlert", "DescribeAlert", "ListAlerts", "UpdateAlert"),
    "anomalies": (
        "GetAnomalyGroup",
        "GetFeedback",
        "ListAnomalyGroupRelatedMetrics",
        "ListAnomalyGroupSummaries",
        "ListAnomalyGroupTimeSeries",
        "PutFeedback",
    ),
    "data": ("DescribeAnomalyDetectionExecutions", "DetectMetricSetConfig", "GetDataQualityMetrics", "GetSampleData"),
    "detectors": (
        "ActivateAnomalyDetector",
        "BackTestAnomalyDetector",
        "CreateAnomalyDetector",
        "DeactivateAnomalyDetector",
        "DeleteAnomalyDetector",
        "DescribeAnomalyDetector",
        "ListAnomalyDetectors",
        "UpdateAnomalyDetector",
    ),
    "metric_sets": ("CreateMetricSet", "DescribeMetricSet", "ListMetricSets", "UpdateMetricSet"),
    "tags": ("ListTagsForResource", "TagResource", "UntagResource"),
}
_MODULE_OF = {operation: module for module, operations in MODULES.items() for operation in operations}


@cache
def find_operation(name: str) -> Callable[[Context, Members], Members]:
    """The function of an operation, named like it; its module is loaded when it is first called for, to keep cold starts short."""
    module = import_module(f"{__name__}.{_MODULE_OF[name]}")
    function: Callable[[Context, Members], Members] = getattr(module, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
    return function
