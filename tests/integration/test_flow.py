"""What happens to uploads and ticks in the whole application, compared with a flow that nothing happened to."""

import json
from datetime import timedelta
from typing import Any

import pytest

from localaws.demo.flow import DemoError

from .conftest import HOURS, REPLAY_START, Shop


def test_undisturbed_flow_crawls_every_row_once_and_runs_every_interval(undisturbed: dict[str, Any]) -> None:
    stamps = [row[0] for row in undisturbed["live"]]
    assert len(undisturbed["live"]) == len(set(undisturbed["live"])) == 21 * HOURS
    assert (min(stamps), max(stamps)) == ("2022-01-19 13:00:00", "2022-01-19 18:00:00")
    assert len(undisturbed["history"]) == len(set(undisturbed["history"]))
    assert max(row[0] for row in undisturbed["history"]) == "2022-01-19 12:00:00"
    assert undisturbed["detector"]["status"] == "ACTIVE"
    assert [status for _, status in undisturbed["executed"][-HOURS:]] == ["COMPLETED"] * HOURS


def test_undisturbed_flow_finds_the_anomaly_and_tells_it_once(undisturbed: dict[str, Any]) -> None:
    assert ("2022-01-19T16:00Z[UTC]", "views") in {group[:2] for group in undisturbed["groups"]}
    assert undisturbed["alerts"] == undisturbed["groups"]


def test_second_upload_of_the_same_params_changes_nothing(shop: Shop) -> None:
    params = shop.params()
    shop.upload(params)
    before = (shop.my_detector(), shop.statements())
    shop.upload(params)
    assert (shop.my_detector(), shop.statements()) == before
    assert shop.status()["state"] == "SUCCEEDED"


def test_the_same_event_twice_starts_one_execution(shop: Shop) -> None:
    shop.upload(shop.params())
    bucket = shop.outputs["InputBucketName"]
    (function,) = [name for name in shop.functions() if "S3Lambda" in name]
    event = {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": "params.json"}}}]}
    shop.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    shop.aws.wait_idle()
    assert len(shop.executions()) == 1


def test_changed_threshold_neither_crawls_nor_learns(shop: Shop) -> None:
    shop.upload(shop.params(alert_threshold=10))
    before = (shop.statements(), shop.detector()["LastModificationTime"])
    shop.upload(shop.params(alert_threshold=80))
    assert shop.my_detector()["threshold"] == 80
    assert (shop.statements(), shop.detector()["LastModificationTime"]) == before


def test_changed_dimension_learns_anew_from_the_history_that_is_there(shop: Shop) -> None:
    shop.upload(shop.params())
    before = shop.statements()
    shop.upload(shop.params(dimension_list=["platform"]))
    assert shop.my_detector()["dimensions"] == ["platform"]
    assert shop.detector()["Status"] == "ACTIVE"
    assert shop.statements() == before


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"detector_frequency": "PT7M", "metrics_set": []}, {"detector_frequency", "metrics_set"}),
        ({"secret_name": "there-is-no-such-secret"}, {"secret_name"}),
        ({"timestamp_column": {"ColumnName": "timestamp", "ColumnFormat": "yyyy-QQ"}}, {"timestamp_column.ColumnFormat"}),
    ],
)
def test_broken_params_start_nothing_and_every_fault_is_told(idle_shop: Shop, changes: dict[str, Any], fields: set[str]) -> None:
    aws, outputs = idle_shop.aws, idle_shop.outputs
    before = len(aws.messages(outputs["NotificationTopicArn"]))
    aws.client("s3").put_object(Bucket=outputs["InputBucketName"], Key="params.json", Body=idle_shop.params(**changes))
    aws.wait_idle()
    status = idle_shop.status()
    assert status["state"] == "REJECTED"
    assert fields <= {fault["field"] for fault in status["faults"]}
    assert idle_shop.executions() == []
    (message,) = aws.messages(outputs["NotificationTopicArn"])[before:]
    assert all(field in message["message"] for field in fields)


def test_params_json_bak_starts_nothing(idle_shop: Shop) -> None:
    idle_shop.aws.client("s3").put_object(Bucket=idle_shop.outputs["InputBucketName"], Key="params.json.bak", Body=idle_shop.params())
    idle_shop.aws.wait_idle()
    assert idle_shop.executions() == []


def test_failed_statement_is_told_with_state_and_cause_and_can_be_tried_again(shop: Shop) -> None:
    redshift = shop.aws.client("redshift-data")
    rename = {"ClusterIdentifier": "demo", "Database": "l4mdemo", "SecretArn": "redshift-l4mintegration"}
    redshift.execute_statement(Sql="ALTER TABLE platform RENAME TO platform_away", **rename)
    shop.aws.wait_idle()
    try:
        with pytest.raises(DemoError, match="FAILED"):
            shop.upload(shop.params())
    finally:
        redshift.execute_statement(Sql="ALTER TABLE platform_away RENAME TO platform", **rename)
        shop.aws.wait_idle()
    status = shop.status()
    assert status["state"] == "FAILED"
    assert "platform" in json.dumps(status)
    assert "Historical Data Crawl" in json.dumps(status)
    shop.upload(shop.params(detector_description="once more"))
    assert shop.my_detector()["status"] == "ACTIVE"


def test_functions_killed_on_the_way_leave_the_undisturbed_end_state(shop: Shop, undisturbed: dict[str, Any]) -> None:
    for name in ("RedshiftHistoricalCrawl", "CreateAndActivateDetector", "RunDetection"):
        shop.kill_next(name)
    shop.upload(shop.params())
    for hour in range(1, HOURS + 1):
        shop.kill_next("RedshiftContinuousCrawl" if hour % 2 else "RunDetection")
        shop.replay_hours(hour, hour)
    assert shop.end_state() == undisturbed


def test_one_id_leads_from_the_upload_through_every_log_to_alerts_and_events(shop: Shop) -> None:
    shop.upload(shop.params())
    shop.replay_hours()
    version = shop.status()["version"]
    told = shop.inbox()
    assert {message["correlationId"] for message in told if "anomalyGroupId" in message} == {version}
    assert {message["detail"]["correlationId"] for message in told if message.get("source") == "l4m"} == {version}
    silent = [name for name in shop.functions() if f'"correlation_id":"{version}"' not in shop.aws.logs(name).replace('": "', '":"')]
    assert {name.rsplit("-", 2)[-2] for name in silent} == {"ServiceApi", "RecordFailure"}  # its callers log, and nothing failed


def test_doubled_and_disordered_ticks_leave_the_undisturbed_end_state(shop: Shop, undisturbed: dict[str, Any]) -> None:
    shop.upload(shop.params())
    for hour in (3, 1, 2, 3, 5, 4, 4, 6, 5, 6):
        start = REPLAY_START + timedelta(hours=hour)
        shop.aws.fire(start, start + timedelta(minutes=10))
    assert shop.end_state() == undisturbed


def test_missed_ticks_are_caught_up(shop: Shop, undisturbed: dict[str, Any]) -> None:
    shop.upload(shop.params())
    last = REPLAY_START + timedelta(hours=HOURS)
    shop.aws.fire(last, last + timedelta(minutes=10))
    assert shop.end_state() == undisturbed


def test_two_different_uploads_at_once_end_as_the_later_one(shop: Shop) -> None:
    put = shop.aws.client("s3").put_object
    for threshold in (33, 66):
        put(Bucket=shop.outputs["InputBucketName"], Key="params.json", Body=shop.params(alert_threshold=threshold))
    shop.settle()
    assert shop.my_detector()["threshold"] == 66
    assert shop.status()["state"] == "SUCCEEDED"
