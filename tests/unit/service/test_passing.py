"""Whoever names a role in a call has to be allowed to pass it; everybody else is refused before anything is read or kept."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.api.conftest import ACCOUNT, ROLE, Service, metric_set_of, service  # noqa: F401 - fixtures

from l4m.api.message import Request

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/analyst/alice"
ANALYST = f"arn:aws:iam::{ACCOUNT}:role/teams/analyst"
TARGET = {"SNSConfiguration": {"RoleArn": ROLE, "SnsTopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:shout"}}
SAMPLE = {"RoleArn": ROLE, "HistoricalDataPathList": ["s3://shop/past/"], "FileFormatDescriptor": {"CsvFormatDescriptor": {}}}


@dataclass
class Iam:
    """IAM that lets some principals pass some roles."""

    allowed: set[tuple[str, str]] = field(default_factory=set)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def simulate_principal_policy(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        decision = "allowed" if (asked["PolicySourceArn"], asked["ResourceArns"][0]) in self.allowed else "implicitDeny"
        return {"EvaluationResults": [{"EvalDecision": decision}]}

    def get_role(self, RoleName: str) -> dict[str, Any]:
        return {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/teams/{RoleName}"}}


@pytest.fixture
def iam(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iam:  # noqa: F811
    """The service's IAM; nobody may pass anything yet, and Alice calls."""
    simulator, real = Iam(), service.context.clients.client
    monkeypatch.setattr(service.context.clients, "client", lambda name: simulator if name == "iam" else real(name))
    service.caller = ALICE
    return simulator


def detector(service: Service, name: str = "shop") -> str:  # noqa: F811
    _, made = service.post(
        "CreateAnomalyDetector", {"AnomalyDetectorName": name, "AnomalyDetectorConfig": {"AnomalyDetectorFrequency": "PT1H"}}
    )
    return str(made["AnomalyDetectorArn"])


def naming_calls(service: Service, metric_set_of: Any) -> dict[str, dict[str, Any]]:  # noqa: F811
    """Every call that has the service act under a role, on a detector that root has set up."""
    service.caller = f"arn:aws:iam::{ACCOUNT}:root"
    arn, bare = detector(service), detector(service, "bare")
    _, metric_set = service.post("CreateMetricSet", metric_set_of(arn))
    _, alert = service.post("CreateAlert", {"AlertName": "a", "AnomalyDetectorArn": arn, "Action": TARGET})
    service.caller = ALICE
    return {
        "CreateMetricSet": metric_set_of(bare),
        "UpdateMetricSet": {"MetricSetArn": metric_set["MetricSetArn"], "MetricSource": metric_set_of(arn)["MetricSource"]},
        "CreateAlert": {"AlertName": "b", "AnomalyDetectorArn": arn, "Action": TARGET},
        "UpdateAlert": {"AlertArn": alert["AlertArn"], "Action": TARGET},
        "GetSampleData": {"S3SourceConfig": SAMPLE},
        "DetectMetricSetConfig": {
            "AnomalyDetectorArn": arn,
            "AutoDetectionMetricSource": {"S3SourceConfig": {"HistoricalDataPathList": ["s3://payroll/"]}},
        },
    }


def test_a_caller_without_the_right_is_refused_whatever_names_the_role(service, iam, metric_set_of):  # noqa: F811
    before = naming_calls(service, metric_set_of)
    kept = service.items()
    for operation, members in before.items():
        status, answer = service.post(operation, members)
        assert (operation, status) == (operation, 403), answer
        assert answer["Message"] == f"{ALICE} is not authorized to perform iam:PassRole on {ROLE} for lookoutmetrics.amazonaws.com"
    assert service.items() == kept


def test_a_caller_with_the_right_gets_through(service, iam, metric_set_of):  # noqa: F811
    calls = naming_calls(service, metric_set_of)
    iam.allowed.add((ALICE, ROLE))
    for operation in ("CreateMetricSet", "UpdateMetricSet", "CreateAlert", "UpdateAlert"):
        assert service.post(operation, calls[operation])[0] == 200, operation


def test_iam_is_asked_as_the_old_service_did_and_a_yes_is_remembered_for_five_minutes(service, iam, metric_set_of):  # noqa: F811
    calls = naming_calls(service, metric_set_of)
    iam.allowed.add((ALICE, ROLE))
    for _ in range(3):
        assert service.post("UpdateAlert", calls["UpdateAlert"])[0] == 200
    (asked,) = iam.asked
    (stated,) = asked["ContextEntries"]
    assert (asked["ActionNames"], stated["ContextKeyName"], stated["ContextKeyValues"]) == (
        ["iam:PassRole"],
        "iam:PassedToService",
        ["lookoutmetrics.amazonaws.com"],
    )
    service.wait(int(timedelta(minutes=5).total_seconds()))
    iam.allowed.clear()
    assert service.post("UpdateAlert", calls["UpdateAlert"])[0] == 403


def test_a_no_is_not_remembered(service, iam, metric_set_of):  # noqa: F811
    calls = naming_calls(service, metric_set_of)
    assert service.post("UpdateAlert", calls["UpdateAlert"])[0] == 403
    iam.allowed.add((ALICE, ROLE))
    assert service.post("UpdateAlert", calls["UpdateAlert"])[0] == 200


def test_a_session_stands_for_its_role_with_its_path(service, iam, metric_set_of):  # noqa: F811
    calls = naming_calls(service, metric_set_of)
    service.caller = SESSION
    iam.allowed.add((ANALYST, ROLE))
    assert service.post("UpdateAlert", calls["UpdateAlert"])[0] == 200


@pytest.mark.parametrize(
    "caller",
    ["", "arn:aws:iam::999999999999:user/alice", "arn:aws:iam::999999999999:root", "arn:aws:sts::999999999999:assumed-role/a/b",
     f"arn:aws:sts::{ACCOUNT}:federated-user/bob"],
)  # fmt: skip
def test_a_caller_of_another_account_or_without_a_name_passes_nothing(service, iam, metric_set_of, caller):  # noqa: F811
    calls = naming_calls(service, metric_set_of)
    iam.allowed |= {(caller, ROLE), (ANALYST, ROLE)}
    service.caller = caller
    assert service.post("UpdateAlert", calls["UpdateAlert"])[0] == 403
    assert iam.asked == []


def test_a_detector_without_a_metric_set_has_no_role_to_read_with(service, iam):  # noqa: F811
    paths = {"S3SourceConfig": {"HistoricalDataPathList": ["s3://state/"]}}  # what the service itself may read
    status, answer = service.post("DetectMetricSetConfig", {"AnomalyDetectorArn": detector(service), "AutoDetectionMetricSource": paths})
    assert status == 400
    assert "no metric set" in answer["Message"]


def test_what_names_no_role_asks_nobody(service, iam):  # noqa: F811
    arn = detector(service)
    for operation in ("DescribeAnomalyDetector", "UpdateAnomalyDetector", "DeleteAnomalyDetector"):
        assert service.call(Request("POST", f"/{operation}", body=json.dumps({"AnomalyDetectorArn": arn}).encode())).status == 200
    assert iam.asked == []
