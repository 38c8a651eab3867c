"""The crawls' state is saved only over what was loaded: in moto's bucket, and in the one of other tests that only need some bucket."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.connector.conftest import BUCKET, SECRET, with_bucket, with_secret
from tests.unit.connector.fakes import stored
from tests.unit.memory_bucket import MemoryBucket, MemorySecrets

from l4m.connector.crawl_state import CrawlState, StateChanged, StateStore
from l4m.databases.redshift import Redshift
from l4m.databases.secrets import read_secret
from l4m.errors import InvalidInput

STATE = CrawlState(owner="v1", watermark=1_699_920_000)


@pytest.fixture(params=["moto", "memory"])
def client(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Clients by name, of moto's empty account or in memory."""
    if request.param == "memory":
        return {"s3": MemoryBucket(), "secretsmanager": MemorySecrets()}.__getitem__
    aws: Callable[[str], Any] = request.getfixturevalue("aws")
    with_bucket(aws("s3"))
    return aws


@pytest.fixture
def store(client: Callable[[str], Any]) -> StateStore:
    """The state's place in an empty bucket."""
    return StateStore(client("s3"), BUCKET)


def test_before_the_first_upload_the_state_is_empty(store: StateStore) -> None:
    assert store.load() == CrawlState()


def test_what_was_saved_is_loaded_and_can_be_saved_again(store: StateStore) -> None:
    saved = store.save(STATE)
    assert store.load() == STATE
    store.save(replace(saved, watermark=0))
    assert store.load().watermark == 0


def test_a_state_is_saved_only_over_the_one_that_was_loaded(store: StateStore) -> None:
    first = store.save(STATE)
    with pytest.raises(StateChanged):
        store.save(STATE)
    store.save(replace(first, watermark=0))
    with pytest.raises(StateChanged):
        store.save(replace(first, watermark=1))
    assert store.load().watermark == 0


def test_a_state_that_was_removed_meanwhile_is_not_saved(store: StateStore) -> None:
    first = store.save(STATE)
    store.client.delete_object(Bucket=BUCKET, Key="crawl.state.json")
    with pytest.raises(store.client.exceptions.NoSuchKey):
        store.save(first)


def test_files_are_found_by_the_beginning_of_their_names(store: StateStore) -> None:
    for key in ("live/b", "live/a", "past/a"):
        store.client.put_object(Bucket=BUCKET, Key=key, Body=f"header\n{key}\n".encode())
    store.client.put_object(Bucket=BUCKET, Key="live/a", Body=b"header\n1\n2\n")
    assert list(stored(store.client, BUCKET, "live/").items()) == [("live/a", ["1", "2"]), ("live/b", ["live/b"])]
    store.client.delete_object(Bucket=BUCKET, Key="live/a")
    assert list(stored(store.client, BUCKET, "live/")) == ["live/b"]
    assert stored(store.client, BUCKET, "none/") == {}


def test_a_secret_is_read_by_its_name(client: Callable[[str], Any]) -> None:
    secrets = with_secret(client("secretsmanager"))
    assert read_secret(secrets, "redshift-l4mintegration", Redshift.secret_keys).text("db") == SECRET["db"]
    secrets.create_secret(Name="another", SecretString=json.dumps(SECRET))
    assert (
        read_secret(secrets, "another", Redshift.secret_keys).arn
        != read_secret(secrets, "redshift-l4mintegration", Redshift.secret_keys).arn
    )
    with pytest.raises(InvalidInput, match="does not exist"):
        read_secret(secrets, "nobody", Redshift.secret_keys)
