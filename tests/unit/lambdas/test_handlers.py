"""The connector's handlers with the events that AWS sends them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends
from tests.unit.connector.conftest import BUCKET
from tests.unit.connector.fakes import FakeRedshift

from l4m.connector.crawl_state import StateStore, Superseded
from l4m.databases.statements import StatementFailed

PARSE = ("s3lambda", "parse")


def uploaded(key: str) -> dict[str, Any]:
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": BUCKET}, "object": {"key": key}}}]}


def put(s3: Any, given: dict[str, Any]) -> None:
    s3.put_object(Bucket=BUCKET, Key="params.json", Body=json.dumps(given))


def start(handler: Any, s3: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Upload and return the machine's input."""
    put(s3, given)
    module = handler(*PARSE)
    module.lambda_handler(uploaded("params.json"), None)
    machines = module.loader.stepfunctions
    [execution] = machines.list_executions(stateMachineArn=machines.list_state_machines()["stateMachines"][0]["stateMachineArn"])[
        "executions"
    ]
    given_to_machine: dict[str, Any] = json.loads(machines.describe_execution(executionArn=execution["executionArn"])["input"])
    return given_to_machine


def status(s3: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(s3.get_object(Bucket=BUCKET, Key="params.status.json")["Body"].read())
    return content


def mails() -> list[tuple[str, str]]:
    topics = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics.values()
    return [(subject, message) for topic in topics for _, message, subject, *_ in topic.sent_notifications]


@pytest.mark.parametrize("key", ["params.json.bak", "old/params.json", "params.jsonparams.json", "Params.json", "params.status.json"])
def test_only_the_exact_key_is_an_upload(handler: Any, s3: Any, key: str) -> None:
    assert handler(*PARSE).lambda_handler(uploaded(key), None) == {"executions": []}
    assert s3.list_objects_v2(Bucket=BUCKET).get("Contents", []) == []


def test_an_upload_starts_the_machine(handler: Any, s3: Any, given: dict[str, Any]) -> None:
    event = start(handler, s3, given)
    assert (event["bucket"], event["params"]) == (BUCKET, given)
    assert status(s3)["state"] == "STARTED"


def test_history_is_crawled_over_two_calls(handler: Any, s3: Any, given: dict[str, Any], redshift: FakeRedshift) -> None:
    redshift.rows = [datetime(2022, 1, 1, tzinfo=UTC)]
    event = start(handler, s3, given)
    module = handler("redshift/redshift-historical-crawl")
    first = module.lambda_handler(event, None)
    assert (first["status"], first["wait_seconds"]) == ("RUNNING", 5)
    event["params"]["crawl"] = first
    redshift.finish("statement-0")
    second = module.lambda_handler(event, None)
    assert (second["status"], second["rows"]) == ("DONE", 1)
    assert StateStore(s3, BUCKET).load().params == given
    [statement] = redshift.statements.values()
    assert (statement["Database"], statement["ClusterIdentifier"], statement["StatementName"]) == ("l4mdemo", "shop", "shop-history")
    assert statement["SecretArn"].startswith("arn:aws:secretsmanager:")


def test_a_failed_statement_leaves_the_handler_under_its_own_name(
    handler: Any, s3: Any, given: dict[str, Any], redshift: FakeRedshift
) -> None:
    event = start(handler, s3, given)
    module = handler("redshift/redshift-historical-crawl")
    module.lambda_handler(event, None)
    redshift.fail("statement-0")
    with pytest.raises(StatementFailed):
        module.lambda_handler(event, None)


def test_ticks_and_ended_statements_drive_the_continuous_crawl(
    handler: Any, s3: Any, given: dict[str, Any], redshift: FakeRedshift, capsys: pytest.CaptureFixture[str]
) -> None:
    module = handler("redshift/redshift-continuous-crawl")
    tick = {"detail-type": "Scheduled Event", "source": "aws.events", "time": "2022-01-12T02:00:00Z", "detail": {}}
    assert module.lambda_handler(tick, None) == {"status": "WAITING"}
    assert '"CrawlLag":[0.0]' in capsys.readouterr().out.replace(" ", "")  # called, and nothing is late
    event = start(handler, s3, given | {"historical_end": "2022-01-12T00:00:00Z"})
    history = handler("redshift/redshift-historical-crawl")
    history.lambda_handler(event, None)
    redshift.finish("statement-0")
    history.lambda_handler(event, None)
    assert len(module.lambda_handler(tick, None)["submitted"]) == 2
    for name in redshift.running():
        redshift.finish(name)
        ended = {
            "detail-type": "Redshift Data Statement Status Change",
            "source": "aws.redshift-data",
            "time": "2026-11-22T00:00:00Z",  # the wall clock of a replay: it must not count as a tick
            "detail": {"statementId": name, "state": "FINISHED"},
        }
        last = module.lambda_handler(ended, None)
    assert (last["status"], last["watermark"], last["submitted"]) == ("OK", datetime(2022, 1, 12, 2, tzinfo=UTC).timestamp(), ())
    assert all(statement["WithEvent"] for statement in list(redshift.statements.values())[1:])


def test_detector_setup_ends_for_an_upload_that_was_superseded(handler: Any, s3: Any, given: dict[str, Any]) -> None:
    event = start(handler, s3, given)
    put(s3, given | {"alert_threshold": 3})
    handler(*PARSE).lambda_handler(uploaded("params.json"), None)
    event["params"]["crawl"] = {"fingerprint": "f"}
    with pytest.raises(Superseded):
        handler("create-and-activate-detector").lambda_handler(event, None)


def test_success_is_told_on_the_topic_and_beside_params(handler: Any, s3: Any, given: dict[str, Any]) -> None:
    event = start(handler, s3, given)
    event["params"] |= {"crawl": {"rows": 7}, "detector": {"arn": "arn:d", "detector_status": "ACTIVE", "changes": ["create detector d"]}}
    assert handler("notify").lambda_handler(event, None) == {"outcome": "SUCCEEDED"}
    found = status(s3)
    assert (found["state"], found["history_rows"], found["detector"], found["version"]) == ("SUCCEEDED", 7, "arn:d", event["version"])
    [(_, text)] = mails()
    assert "create detector d" in text


def test_failure_is_told_with_state_cause_and_what_to_do(handler: Any, s3: Any, given: dict[str, Any]) -> None:
    event = start(handler, s3, given)
    cause = json.dumps({"errorMessage": 'statement 1: relation "x" does not exist', "errorType": "StatementFailed", "stackTrace": []})
    event |= {"serviceError": {"Error": "StatementFailed", "Cause": cause}, "failedState": "Historical Data Crawl"}
    handler("notify").lambda_handler(event, None)
    found = status(s3)
    assert (found["state"], found["failed_state"], found["error"]) == ("FAILED", "Historical Data Crawl", "StatementFailed")
    assert found["cause"] == 'statement 1: relation "x" does not exist'
    assert "query.sql" in found["what_to_do"]
    [(subject, text)] = mails()
    assert subject == "Historical Data Crawl: StatementFailed"
    assert all(word in text for word in ("Historical Data Crawl", "relation", "upload params.json again"))


def test_the_end_of_an_older_upload_does_not_hide_the_newer_one_s_faults(handler: Any, s3: Any, given: dict[str, Any]) -> None:
    event = start(handler, s3, given)
    s3.put_object(Bucket=BUCKET, Key="params.json", Body=b"{")
    handler(*PARSE).lambda_handler(uploaded("params.json"), None)
    event["params"] |= {"crawl": {"rows": 7}, "detector": {}}
    handler("notify").lambda_handler(event, None)
    assert status(s3)["state"] == "REJECTED"
    assert len(mails()) == 2


def test_a_subject_fits_what_sns_takes(handler: Any, s3: Any, given: dict[str, Any]) -> None:
    event = start(handler, s3, given) | {"serviceError": {"Error": "E" * 200, "Cause": "no json"}, "failedState": "X"}
    handler("notify").lambda_handler(event, None)
    [(subject, text)] = mails()
    assert len(subject) == 100
    assert "no json" in text


@pytest.mark.parametrize(("ended", "error"), [("ABORTED", "ExecutionAborted"), ("TIMED_OUT", "States.Timeout")])
def test_an_execution_that_was_stopped_from_outside_is_told_too(
    handler: Any, s3: Any, given: dict[str, Any], ended: str, error: str
) -> None:
    detail = {"status": ended, "input": json.dumps(start(handler, s3, given)), "cause": None}
    event = {"detail-type": "Step Functions Execution Status Change", "source": "aws.states", "detail": detail}
    assert handler("notify").lambda_handler(event, None) == {"outcome": "FAILED"}
    assert (status(s3)["error"], status(s3)["state"]) == (error, "FAILED")
    assert "upload params.json again" in mails()[0][1]
