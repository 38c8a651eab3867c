"""The params.json of the connector's tests."""

from tests.unit.connector.conftest import given  # noqa: F401 (a fixture)
