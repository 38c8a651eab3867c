"""AWS clients, made when they are first asked for and kept for the life of the process."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

USER_AGENT = f"l4m boto3/{boto3.__version__}"  # botocore's own is put together anew for every call, which takes a third of its time
RENEW_BEFORE = timedelta(minutes=5)  # an assumed role is assumed anew this long before its credentials end


class Loader:
    """Hand out clients by name: ``loader.client("redshift-data")`` or ``loader.redshift_data``."""

    def __init__(self, session: boto3.Session | None = None, via: str = "") -> None:
        """Take the role ``via`` first whenever another role is assumed: users then trust one role only."""
        self.session = session or boto3.Session()
        self._via = via
        checksums = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}  # TLS has its own
        retries = {"mode": "standard", "max_attempts": 5}
        self._config = Config(user_agent=USER_AGENT, retries=retries, connect_timeout=5, read_timeout=60, **checksums)
        self._clients: dict[str, Any] = {}
        self._assumed: dict[str, tuple[datetime, boto3.Session, dict[str, Any]]] = {}

    def client(self, service: str) -> Any:
        """Return the client of a service under the function's own role."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service, config=self._config)
        return self._clients[service]

    def assume(self, role_arn: str, service: str) -> Any:
        """Return the client of a service under another role; its credentials are renewed before they end."""
        ends, session, clients = self._assumed.get(role_arn, (datetime.now(UTC), None, {}))
        if session is None or ends - datetime.now(UTC) <= RENEW_BEFORE:
            ends, session, clients = self._assumed[role_arn] = self._assume(role_arn)
        if service not in clients:
            clients[service] = session.client(service, config=self._config)
        return clients[service]

    def _assume(self, role_arn: str) -> tuple[datetime, boto3.Session, dict[str, Any]]:
        sts = self.assume(self._via, "sts") if self._via and role_arn != self._via else self.client("sts")
        given = sts.assume_role(RoleArn=role_arn, RoleSessionName="l4m")["Credentials"]
        session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], self.session.region_name)
        return given["Expiration"], session, {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.client(name.replace("_", "-"))
