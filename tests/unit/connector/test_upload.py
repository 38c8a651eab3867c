"""An upload of params.json: started once, or refused with its faults; the later one wins."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends
from tests.unit.connector.conftest import BUCKET, with_bucket, with_secret
from tests.unit.connector.fakes import Killed, Mortal

from l4m.connector.crawl_state import StateStore
from l4m.connector.upload import Reception
from l4m.databases.database import Target

KEY = "params.json"


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    """The input bucket, versioned."""
    return with_bucket(aws("s3"))


@pytest.fixture
def secretsmanager(aws: Callable[[str], Any]) -> Any:
    """The database's secret."""
    return with_secret(aws("secretsmanager"))


@pytest.fixture
def reception(aws: Callable[[str], Any], s3: Any, secretsmanager: Any) -> Reception:
    """Everything around an upload: a topic, and a machine that keeps its executions."""
    machine = aws("stepfunctions").create_state_machine(
        name="shop-deploy", definition="{}", roleArn=f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/states"
    )
    topic = aws("sns").create_topic(Name="outcomes")
    return Reception(
        s3, secretsmanager, aws("stepfunctions"), aws("sns"), machine["stateMachineArn"], topic["TopicArn"], Target("shop"), KEY
    )


def put(s3: Any, content: Any) -> str:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return str(s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)["VersionId"])


def status(s3: Any) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(s3.get_object(Bucket=BUCKET, Key="params.status.json")["Body"].read())
    return given


def executions(reception: Reception) -> list[str]:
    found = reception.stepfunctions.list_executions(stateMachineArn=reception.machine_arn)["executions"]
    return [execution["name"] for execution in found]


def mails(reception: Reception) -> list[str]:
    return [message for _, message, *_ in sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[reception.topic_arn].sent_notifications]


def test_a_good_file_starts_the_machine_with_the_reference_s_input(reception: Reception, s3: Any, given: dict[str, Any]) -> None:
    version = put(s3, given)
    name = reception.receive(BUCKET)
    assert executions(reception) == [name]
    arn = f"{reception.machine_arn.replace('stateMachine', 'execution')}:{name}"
    execution = reception.stepfunctions.describe_execution(executionArn=arn)
    told = json.loads(execution["input"])
    assert (told["bucket"], told["version"], told["params"]) == (BUCKET, version, given)
    assert set(told) == {"bucket", "version", "params", "currentDate"}
    assert {key: status(s3)[key] for key in ("state", "version", "execution")} == {"state": "STARTED", "version": version, "execution": arn}
    assert StateStore(s3, BUCKET).load().owner == version


def test_the_same_event_twice_starts_one_execution(reception: Reception, s3: Any, given: dict[str, Any]) -> None:
    put(s3, given)
    assert reception.receive(BUCKET) == reception.receive(BUCKET)
    assert len(executions(reception)) == 1


def test_a_late_event_does_not_take_back_how_the_upload_ended(reception: Reception, s3: Any, given: dict[str, Any]) -> None:
    version = put(s3, given)
    reception.receive(BUCKET)
    s3.put_object(Bucket=BUCKET, Key="params.status.json", Body=json.dumps({"version": version, "state": "SUCCEEDED"}))
    reception.receive(BUCKET)
    assert status(s3)["state"] == "SUCCEEDED"


def test_two_uploads_in_one_second_start_the_later_one_and_both_events_mean_it(
    reception: Reception, s3: Any, given: dict[str, Any]
) -> None:
    put(s3, given)
    later = put(s3, given | {"alert_threshold": 70})
    assert reception.receive(BUCKET) == reception.receive(BUCKET)
    assert len(executions(reception)) == 1
    assert StateStore(s3, BUCKET).load().owner == later


def test_an_upload_that_is_overtaken_while_it_is_accepted_gives_way(reception: Reception, s3: Any, given: dict[str, Any]) -> None:
    put(s3, given)
    later: list[str] = []

    class Overtaken:
        """S3 on which somebody uploads again, and is accepted, right after the first look at the state."""

        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def get_object(self, **arguments: Any) -> Any:
            if arguments["Key"] == "crawl.state.json" and not later:
                later.append(put(s3, given | {"alert_threshold": 70}))
                reception.receive(BUCKET)
            return s3.get_object(**arguments)

    replace(reception, s3=Overtaken()).receive(BUCKET)
    assert StateStore(s3, BUCKET).load().owner == later[0]
    assert len(executions(reception)) == 1


def test_uploading_the_same_content_again_is_a_new_upload(reception: Reception, s3: Any, given: dict[str, Any]) -> None:
    put(s3, given)
    first = reception.receive(BUCKET)
    put(s3, given)
    assert reception.receive(BUCKET) != first
    assert len(executions(reception)) == 2


def test_a_bad_file_starts_nothing_and_all_faults_are_told_twice_over(reception: Reception, s3: Any, given: dict[str, Any]) -> None:
    version = put(s3, given | {"detector_frequency": "PT7M", "secret_name": "nobody", "s3_bucket": "another"})
    assert reception.receive(BUCKET) is None
    assert executions(reception) == []
    assert (status(s3)["state"], status(s3)["version"]) == ("REJECTED", version)
    assert {fault["field"] for fault in status(s3)["faults"]} == {"detector_frequency", "secret_name", "s3_bucket"}
    [mail] = mails(reception)
    assert all(fault["message"] in mail for fault in status(s3)["faults"])


def test_a_bad_file_is_told_once_however_often_its_event_comes(reception: Reception, s3: Any) -> None:
    put(s3, b"{")
    reception.receive(BUCKET)
    reception.receive(BUCKET)
    assert len(mails(reception)) == 1


def test_a_bad_file_leaves_the_running_upload_in_charge(reception: Reception, s3: Any, given: dict[str, Any]) -> None:
    good = put(s3, given)
    reception.receive(BUCKET)
    put(s3, b"{")
    reception.receive(BUCKET)
    assert StateStore(s3, BUCKET).load().owner == good


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("no json", "holds no JSON"),
        ("[]", "holds no JSON object"),
        (json.dumps({"username": "a"}), "'password'"),
        (json.dumps({"username": "a", "password": "hunter2", "db": "c", "dbClusterIdentifier": "other"}), "for cluster 'other'"),
    ],
)
def test_a_secret_of_another_form_is_a_fault(reception: Reception, s3: Any, given: dict[str, Any], secret: str, reason: str) -> None:
    reception.secretsmanager.put_secret_value(SecretId="redshift-l4mintegration", SecretString=secret)
    put(s3, given)
    assert reception.receive(BUCKET) is None
    assert any(reason in fault["message"] for fault in status(s3)["faults"])
    assert "hunter2" not in json.dumps(status(s3)) + "".join(mails(reception))


@pytest.mark.parametrize("at", range(1, 9))
def test_killed_at_any_call_the_retry_starts_one_execution(reception: Reception, s3: Any, given: dict[str, Any], at: int) -> None:
    version, counter = put(s3, given), [0]
    clients = {name: Mortal(getattr(reception, name), counter, at) for name in ("s3", "secretsmanager", "stepfunctions", "sns")}
    mortal = Reception(**clients, machine_arn=reception.machine_arn, topic_arn=reception.topic_arn, target=reception.target, key=KEY)
    for _ in range(2):
        try:
            mortal.receive(BUCKET)
        except Killed:
            continue
    assert len(executions(reception)) == 1
    assert (status(s3)["state"], status(s3)["version"]) == ("STARTED", version)
    assert mails(reception) == []
