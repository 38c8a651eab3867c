"""An upload of params.json: refused with all its faults, or accepted and handed to the state machine once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from l4m.connector.crawl_state import StateChanged, StateStore
from l4m.connector.status import Outcome, StatusFile
from l4m.connector.validation import Surroundings, read_params
from l4m.databases.database import Target
from l4m.databases.registry import DATABASES
from l4m.databases.secrets import read_secret
from l4m.errors import Fault, InvalidInput

logger = Logger(service="s3lambda", child=True)
ATTEMPTS = 5  # newer uploads that may come while one is being accepted


@dataclass(frozen=True)
class Upload:
    """One version of the file."""

    bucket: str
    version: str
    uploaded: datetime
    text: bytes


@dataclass(frozen=True)
class Reception:
    """Everything an upload is checked against and handed on with."""

    s3: Any
    secretsmanager: Any
    stepfunctions: Any
    sns: Any
    machine_arn: str
    topic_arn: str
    target: Target
    key: str
    database_type: str = "redshift"

    def receive(self, bucket: str) -> str | None:
        """Take the latest version of params.json; return the execution's name, or None when the file was refused."""
        for _ in range(ATTEMPTS):
            upload = self._latest(bucket)
            try:
                params = self._check(upload)
            except InvalidInput as error:
                self._refuse(upload, error.faults)
                logger.warning("params refused", extra={"correlation_id": upload.version, "faults": len(error.faults)})
                return None
            if self._accept(upload):
                execution = self._start(upload, params)
                logger.info("params accepted", extra={"correlation_id": upload.version, "execution": execution})
                return execution
        raise StateChanged(f"{self.key} in {bucket} is uploaded faster than it can be accepted")

    def _latest(self, bucket: str) -> Upload:
        answer = self.s3.get_object(Bucket=bucket, Key=self.key)
        return Upload(bucket, _version(answer), answer["LastModified"], answer["Body"].read())

    def _check(self, upload: Upload) -> Mapping[str, Any]:
        def secret_faults(database_type: str, name: str) -> Sequence[Fault]:
            return _secret_faults(self.secretsmanager, database_type, name, self.target)

        account = self.topic_arn.split(":")[4]
        return read_params(upload.text, Surroundings(upload.bucket, account, upload.uploaded, self.database_type, secret_faults))

    def _refuse(self, upload: Upload, faults: Sequence[Fault]) -> None:
        status = StatusFile(self.s3, upload.bucket)
        if status.read()[0].get("version") == upload.version:
            return
        listed = [{"field": fault.field, "message": fault.message} for fault in faults]
        intro = f"params.json in {upload.bucket} was refused; nothing was started."
        text = "\n".join([intro, "", *(f"- {fault}" for fault in faults), "", "Correct it and upload it again."])
        self.sns.publish(TopicArn=self.topic_arn, Subject="params.json was refused", Message=text)
        status.begin(upload.version, Outcome.REJECTED, {"uploaded": upload.uploaded.isoformat(), "faults": listed})

    def _accept(self, upload: Upload) -> bool:
        """Put the upload in charge; False when a newer one came in between, for the later one wins."""
        store = StateStore(self.s3, upload.bucket)
        state = store.load()
        if state.owner == upload.version:
            return True
        if _version(self.s3.head_object(Bucket=upload.bucket, Key=self.key)) != upload.version:
            return False
        try:
            store.save(replace(state, owner=upload.version))
        except StateChanged:
            return False
        return True

    def _start(self, upload: Upload, params: Mapping[str, Any]) -> str:
        name = execution_name(upload)
        execution = f"{self.machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        fields = {"uploaded": upload.uploaded.isoformat(), "execution": execution}
        StatusFile(self.s3, upload.bucket).begin(upload.version, Outcome.STARTED, fields)
        given = {"bucket": upload.bucket, "currentDate": upload.uploaded.isoformat(), "version": upload.version, "params": params}
        try:
            self.stepfunctions.start_execution(stateMachineArn=self.machine_arn, name=name, input=json.dumps(given))
        except self.stepfunctions.exceptions.ExecutionAlreadyExists:
            return name  # the same version was announced before
        return name


def _version(answer: Mapping[str, Any]) -> str:
    return str(answer.get("VersionId") or answer["ETag"].strip('"'))


def execution_name(upload: Upload) -> str:
    """The same version of the file always gives the same name, so it can run only once."""
    return f"params-{hashlib.sha256(f'{upload.bucket}/{upload.version}'.encode()).hexdigest()[:32]}"


def _secret_faults(client: Any, database_type: str, name: str, target: Target) -> Sequence[Fault]:
    kind = DATABASES[database_type]
    try:
        secret = read_secret(client, name, kind.secret_keys)
    except InvalidInput as error:
        return error.faults
    return [Fault(fault.field, f"the secret {name!r} {fault.message}") for fault in kind.secret_faults(secret, target)]
