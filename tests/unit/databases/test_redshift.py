"""The Data API as the crawls use it: cluster or workgroup, and errors by what can be done about them."""

from typing import Any

import pytest
from botocore.stub import Stubber
from tests.unit.connector.conftest import client as client_of

from l4m.databases.database import Target
from l4m.databases.redshift import Redshift
from l4m.databases.secrets import Secret
from l4m.databases.statements import Phase, StatementFailed
from l4m.errors import AccessDenied, L4mError, SourceUnavailable

CONTENT = {"username": "l4m", "password": "hush", "db": "l4mdemo", "dbClusterIdentifier": "from-secret"}
SECRET = Secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift-l4mintegration-AbCdEf", CONTENT)


@pytest.fixture
def client() -> Any:
    """A real client, so that what is sent is checked against AWS's own service model."""
    return client_of("redshift-data")


@pytest.mark.parametrize(
    ("cluster", "workgroup", "target"),
    [
        ("shop", None, {"ClusterIdentifier": "shop"}),
        (None, "shop-wg", {"WorkgroupName": "shop-wg"}),
        (None, None, {"ClusterIdentifier": "from-secret"}),
    ],
)
def test_statements_go_to_the_cluster_or_the_workgroup_with_the_secret(
    client: Any, cluster: str, workgroup: str, target: dict[str, str]
) -> None:
    sent = {
        "Sqls": ["a", "b"],
        "StatementName": "crawl-history",
        "ClientToken": "t" * 64,
        "WithEvent": True,
        "Database": "l4mdemo",
        "SecretArn": SECRET.arn,
        **target,
    }
    with Stubber(client) as stub:
        stub.add_response("batch_execute_statement", {"Id": "5b1e"}, sent)
        database = Redshift(client, SECRET, Target(cluster, workgroup))
        assert database.submit(["a", "b"], "crawl-history", "t" * 64, with_event=True) == "5b1e"


@pytest.mark.parametrize(
    ("status", "error", "phase"),
    [
        ("SUBMITTED", None, Phase.RUNNING),
        ("PICKED", None, Phase.RUNNING),
        ("STARTED", None, Phase.RUNNING),
        ("FINISHED", None, Phase.FINISHED),
        ("FAILED", "ERROR: relation does not exist", Phase.FAILED),
        ("FAILED", "ERROR: Query (12) cancelled due to statement timeout", Phase.TIMED_OUT),
        ("ABORTED", None, Phase.ABORTED),
    ],
)
def test_a_statement_s_phase_is_read_from_its_status(client: Any, status: str, error: str | None, phase: Phase) -> None:
    with Stubber(client) as stub:
        stub.add_response("describe_statement", {"Id": "1", "Status": status, **({"Error": error} if error else {})}, {"Id": "1"})
        assert Redshift(client, SECRET).look("1").phase is phase


def test_a_statement_that_the_data_api_forgot_is_unknown(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("describe_statement", "ResourceNotFoundException", "gone", 404)
        assert Redshift(client, SECRET).look("1").phase is Phase.UNKNOWN


def test_the_count_is_read_from_the_batch_s_second_statement(client: Any) -> None:
    with Stubber(client) as stub:
        answer = {"Records": [[{"longValue": 48}]], "ColumnMetadata": []}
        stub.add_response("get_statement_result", answer, {"Id": "1:2"})
        assert Redshift(client, SECRET).rows("1") == 48


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDeniedException", AccessDenied),
        ("ThrottlingException", SourceUnavailable),
        ("ActiveStatementsExceededException", SourceUnavailable),
        ("InternalServerException", SourceUnavailable),
        ("ValidationException", StatementFailed),
    ],
)
def test_a_refused_call_is_named_by_what_can_be_done_about_it(client: Any, code: str, error: type[L4mError]) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("batch_execute_statement", code, "the reason")
        with pytest.raises(error, match="the reason") as raised:
            Redshift(client, SECRET, Target("shop")).submit(["a"], "n", "t")
    assert SECRET.arn not in str(raised.value)


def test_cancelling_what_has_ended_is_no_error(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("cancel_statement", "ValidationException", "already finished")
        Redshift(client, SECRET).cancel("1")
