"""Operations of the Redshift Data API."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moto.redshift.models import redshift_backends
from moto.secretsmanager.models import secretsmanager_backends

from localaws.identity import Caller
from localaws.resources import secret_arn
from localaws.warehouse.sessions import Warehouse
from localaws.warehouse.statements import ENDED, Statement, Statements

if TYPE_CHECKING:
    from localaws.cloud import Cloud

Answer = tuple[int, dict[str, Any]]


class RefusedError(Exception):
    """A request that the Data API does not accept: error type and message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class DataApi:
    """Answers requests; statements run in the background."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._statements = Statements(cloud, Warehouse(cloud))

    @property
    def submitted(self) -> int:
        """How many statements were ever submitted, by anybody."""
        return self._statements.submitted

    def close(self) -> None:
        """End what runs."""
        self._statements.close()

    def handle(self, operation: str, body: dict[str, Any], caller: Caller) -> Answer:
        """Answer one request."""
        method = _OPERATIONS.get(operation)
        if method is None:
            return 400, {"__type": "UnknownOperationException", "message": operation}
        try:
            return 200, method(self, body, caller)
        except RefusedError as error:
            return 400, {"__type": error.kind, "Message": str(error), "message": str(error)}

    def execute(self, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """ExecuteStatement."""
        return self._submit("redshift-data:ExecuteStatement", body, [body.get("Sql") or ""], False, caller)

    def execute_batch(self, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """BatchExecuteStatement."""
        return self._submit("redshift-data:BatchExecuteStatement", body, list(body.get("Sqls") or []), True, caller)

    def describe(self, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """DescribeStatement."""
        return self._owned("redshift-data:DescribeStatement", body, caller).described(_part(body))

    def result(self, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """GetStatementResult."""
        statement = self._owned("redshift-data:GetStatementResult", body, caller)
        part = statement.part(_part(body))
        if part.status != "FINISHED":
            raise RefusedError("ResourceNotFoundException", f"Query {body['Id']} is {part.status}; it has no result.")
        if part.result is None:
            raise RefusedError("ResourceNotFoundException", "Query does not have result. Please check query status with DescribeStatement.")
        return part.result

    def cancel(self, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """CancelStatement."""
        statement = self._owned("redshift-data:CancelStatement", body, caller)
        if statement.status in ENDED:
            raise RefusedError(
                "ValidationException", f"Could not cancel a query that is already in {statement.status} state with ID: {statement.id}."
            )
        statement.cancel()
        return {"Status": True}

    def list_statements(self, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """ListStatements."""
        self._cloud.guard.check(caller, "redshift-data:ListStatements", ["*"], self._own(caller))
        wanted = body.get("Status", "ALL")
        name = body.get("StatementName", "")
        found = [
            item.summary()
            for item in self._statements.newest()
            if wanted in ("ALL", item.status) and item.name.startswith(name) and item.owner.split(":")[0] == caller.user_id.split(":")[0]
        ]
        start = int(body.get("NextToken") or 0)
        size = int(body.get("MaxResults") or 100)
        return {"Statements": found[start : start + size]} | ({"NextToken": str(start + size)} if len(found) > start + size else {})

    def _submit(self, action: str, body: dict[str, Any], sqls: list[str], is_batch: bool, caller: Caller) -> dict[str, Any]:
        if not all(sqls) or not sqls:
            raise RefusedError("ValidationException", "Sql must not be empty.")
        cluster = body.get("ClusterIdentifier")
        workgroup = body.get("WorkgroupName")
        database = body.get("Database")
        if bool(cluster) == bool(workgroup):
            raise RefusedError("ValidationException", "Provide either ClusterIdentifier or WorkgroupName.")
        if not database:
            raise RefusedError("ValidationException", "Database is required.")
        place = self._cloud.place
        arn = place.arn("redshift", f"cluster:{cluster}") if cluster else place.arn("redshift-serverless", f"workgroup/{workgroup}")
        self._cloud.guard.check(caller, action, [arn], self._own(caller))
        self._check_user(body, caller, arn)
        repeated = self._statements.repeated(body)
        statement = repeated or self._statements.submit(body, sqls, is_batch, caller, arn)
        answer = {"Id": statement.id, "CreatedAt": statement.created, "Database": database}
        answer |= {key: body[key] for key in ("ClusterIdentifier", "WorkgroupName", "SecretArn", "DbUser") if key in body}
        return answer

    def _check_user(self, body: Mapping[str, Any], caller: Caller, arn: str) -> None:
        """Check that the secret can be read by the caller and names this cluster or workgroup."""
        name = body.get("SecretArn")
        if not name:
            action = "redshift:GetClusterCredentials" if ":cluster:" in arn else "redshift-serverless:GetCredentials"
            place = self._cloud.place
            self._cloud.guard.check(
                caller,
                action,
                [place.arn("redshift", f"dbuser:{arn.rsplit(':', 1)[-1]}/{body.get('DbUser', '')}") if ":cluster:" in arn else arn],
            )
            if not self._is_known(body):
                raise RefusedError("ValidationException", "Redshift endpoint doesn't exist in this region.")
            return
        full = secret_arn(name, self._cloud.place)
        self._cloud.guard.check(caller, "secretsmanager:GetSecretValue", [full])
        value = next((item for item in self._secrets() if item["arn"] == full), None)
        if value is None:
            raise RefusedError("ValidationException", f"Secrets Manager can't find the specified secret: {name}")
        if not value.get("username") or not value.get("password"):
            raise RefusedError("ValidationException", "The secret needs the keys username and password.")
        if not self._is_known(body):
            raise RefusedError("ValidationException", "Redshift endpoint doesn't exist in this region.")

    def _is_known(self, body: Mapping[str, Any]) -> bool:
        """Whether a cluster or workgroup is named in a secret of the account, or was created."""
        name = body.get("ClusterIdentifier") or body.get("WorkgroupName")
        named = {
            str(item.get(key)).lower()
            for item in self._secrets()
            for key in ("dbClusterIdentifier", "workgroup", "workgroupName", "clusterIdentifier")
        }
        place = self._cloud.place
        return str(name).lower() in named or name in redshift_backends[place.account][place.region].clusters

    def _secrets(self) -> list[dict[str, Any]]:
        place = self._cloud.place
        found = []
        for secret in list(secretsmanager_backends[place.account][place.region].secrets.values()):
            version = next((item for item in secret.versions.values() if "AWSCURRENT" in item["version_stages"]), {})
            try:
                value = json.loads(version.get("secret_string") or "{}")
            except ValueError:
                continue
            if isinstance(value, dict):
                found.append({**value, "arn": secret.arn})
        return found

    def _owned(self, action: str, body: Mapping[str, Any], caller: Caller) -> Statement:
        statement = self._statements.find(str(body.get("Id", "")).split(":")[0])
        if statement is None:
            raise RefusedError("ResourceNotFoundException", "Query does not exist.")
        context = {"redshift-data:statement-owner-iam-userid": statement.owner}
        self._cloud.guard.check(caller, action, [statement.arn], context)
        return statement

    def _own(self, caller: Caller) -> dict[str, str]:
        return {"redshift-data:statement-owner-iam-userid": caller.user_id}


def _part(body: Mapping[str, Any]) -> int | None:
    pieces = str(body.get("Id", "")).split(":")
    if len(pieces) == 1:
        return None
    if not pieces[1].isdigit():
        raise RefusedError("ValidationException", f"id {body['Id']} is not valid")
    return int(pieces[1])


_OPERATIONS = {
    "ExecuteStatement": DataApi.execute,
    "BatchExecuteStatement": DataApi.execute_batch,
    "DescribeStatement": DataApi.describe,
    "GetStatementResult": DataApi.result,
    "CancelStatement": DataApi.cancel,
    "ListStatements": DataApi.list_statements,
}
