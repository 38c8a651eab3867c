"""The table of moto's DynamoDB, as the store's tests have it."""

from tests.unit.store.conftest import dynamodb, table  # noqa: F401 (fixtures)
