"""The steps a user takes, with the same clients and scripts as in an account."""

import gzip
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from localaws.client import LocalAws
from localaws.demo.stage import ROOT, Sample, schema, stage
from localaws.postgresql import Server

SURROUNDINGS = Path(__file__).with_name("surroundings.yaml")
SCRIPTS = ROOT / "sample_resources" / "redshift"
READY_SECONDS = 180.0
SCRIPT_SECONDS = 600.0  # of a script that loads data, or builds params.json


class DemoError(Exception):
    """A step did not end as it should; the text says what was seen instead."""


class Flow:
    """The application as one stack on a local cloud, on Redshift or on a server of PostgreSQL.

    ``around`` is what ``load`` made, when another flow did it already.
    """

    def __init__(
        self, aws: LocalAws, sample: Sample, stack: str = "l4m", around: dict[str, str] | None = None, server: Server | None = None
    ) -> None:
        self.aws = aws
        self.sample = sample
        self.stack = stack
        self.around = dict(around or {})
        self.outputs: dict[str, str] = {}
        self.server = server
        self.database = "postgresql" if server else "redshift"

    def load(self) -> None:
        """Create what a user has already, fill the tables with COPY."""
        self.around = self.aws.deploy(SURROUNDINGS, "demo-surroundings")
        if self.server:
            self.load_server(self.server)
            return
        self._script("initial_setup.py", "--data", self.sample.name)
        self._script(
            "data_loader.py", "--data", self.sample.name, "--bucket", self.around["ContentBucket"], "--role", self.around["LoadRoleArn"]
        )

    def load_server(self, server: Server) -> None:
        """Fill the tables of a server, and keep a secret of it in the form of RDS."""
        statements = schema(self.sample)
        server.run(*statements)
        for table in (re.findall(r"TABLE IF NOT EXISTS (\w+)", statement)[0] for statement in statements):
            (file,) = (self.sample.folder / "data").glob(f"{table}.csv*")
            content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
            server.load(f"{table} ({content.splitlines()[0].decode()})", content)
        secrets = self.aws.client("secretsmanager")
        secrets.create_secret(Name=f"{self.database}-l4mintegration", SecretString=json.dumps(server.secret))

    def deploy(self, template: Path | None = None) -> None:
        """Deploy the application, or another root template, and have its incidents sent to the inbox."""
        template = template or stage(self.sample, self.aws.home / f"stage-{self.stack}", self.database)
        secret = self.aws.client("secretsmanager").describe_secret(SecretId=f"{self.database}-l4mintegration")["ARN"]
        database = {"RedshiftCluster": "demo", "RedshiftSecret": secret}
        parameters = {
            **({"DatabaseType": self.database, "DatabaseSecret": secret} if self.server else database),
            "AlertSnsTopicArn": self.around["AlertTopicArn"],
            "NamePrefix": self.stack,
            "WaitSeconds": "1",
            "LongestWaitSeconds": "2",
        }
        self.outputs = self.aws.deploy(template, self.stack, parameters)
        events = self.aws.client("events")
        bus = self.outputs["EventBusName"]
        rule = f"{self.stack}-incidents"
        events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps({"source": ["l4m"]}))
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "inbox", "Arn": self.around["InboxArn"]}])

    def params(self, **changes: Any) -> bytes:
        """Build params.json as the notebook does, from the sample's with ``changes``."""
        given = self.aws.home / f"given-{self.stack}.json"
        shipped = json.loads((ROOT / "ai_ops" / "params.json").read_text(encoding="utf-8"))
        sample = json.loads((self.sample.folder / "params.json").read_text(encoding="utf-8"))
        given.write_text(json.dumps(shipped | sample | changes), encoding="utf-8")
        built = given.with_name(f"params-{self.stack}.json")
        builder = [str(ROOT / "ai_ops" / "params_builder.py"), "--stack", self.stack, "--params", str(given), "--folder", self.sample.name]
        builder += ["--database", self.database]
        self._run(*builder, "--topic", self.around["AlertTopicArn"], "--out", str(built))
        return built.read_bytes()

    def upload(self, params: bytes) -> str:
        """Upload params.json, wait for the execution that it starts to end; return its name."""
        before = {execution["name"] for execution in self.executions()}
        self.aws.client("s3").put_object(Bucket=self.outputs["InputBucketName"], Key="params.json", Body=params)
        return self._finished(before)

    def replay(self) -> Iterator[datetime]:
        """Fire every cron rule and schedule of the replayed days; yields the end of each quarter of a day as it is reached."""
        at = self.sample.replay_start
        last = self.sample.replay_end + timedelta(minutes=10)
        while at < last:
            step = min(at + timedelta(hours=6), last)
            self.aws.fire(at, step)
            at = step
            yield at

    def executions(self) -> list[dict[str, Any]]:
        """All executions of the state machine so far."""
        client = self.aws.client("stepfunctions")
        return list(client.list_executions(stateMachineArn=self.outputs["DeployStateMachineArn"])["executions"])

    def detector(self) -> dict[str, Any]:
        """The detector as the service describes it."""
        client = self.aws.client("lookoutmetrics")
        (summary,) = client.list_anomaly_detectors()["AnomalyDetectorSummaryList"]
        return dict(client.describe_anomaly_detector(AnomalyDetectorArn=summary["AnomalyDetectorArn"]))

    def statements(self) -> int:
        """How many statements Redshift was sent so far, by anybody; of a server, how many files came of them."""
        if self.server:
            found = (
                self.aws.client("s3")
                .get_paginator("list_object_versions")
                .paginate(Bucket=self.outputs["InputBucketName"], Prefix=f"{self.sample.name}/")
            )
            return sum(len(page.get("Versions", ())) for page in found)
        return int(self.aws.status()["statements"])

    def inbox(self) -> list[dict[str, Any]]:
        """Alerts and incident events that arrived, oldest first."""
        client = self.aws.client("sqs")
        bodies = []
        while messages := client.receive_message(QueueUrl=self.around["InboxUrl"], MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                client.delete_message(QueueUrl=self.around["InboxUrl"], ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def _finished(self, before: set[str]) -> str:
        deadline = time.monotonic() + READY_SECONDS
        self.aws.wait_idle(READY_SECONDS)
        while time.monotonic() < deadline:
            fresh = [execution for execution in self.executions() if execution["name"] not in before]
            if not fresh:
                raise DemoError("the upload started no execution; params.status.json may say why")
            if fresh[0]["status"] == "SUCCEEDED":
                return str(fresh[0]["name"])
            if fresh[0]["status"] != "RUNNING":
                raise DemoError(f"the state machine ended as {fresh[0]['status']}: {self._cause(fresh[0]['executionArn'])}")
            self.aws.wait_idle(READY_SECONDS)
        raise DemoError(f"the state machine did not end within {READY_SECONDS:.0f} s")

    def _cause(self, execution: str) -> str:
        described = self.aws.client("stepfunctions").describe_execution(executionArn=execution)
        return f"{described.get('error')}: {described.get('cause')}"

    def _script(self, name: str, *arguments: str) -> None:
        self._run(str(SCRIPTS / name), *arguments)

    def _run(self, *command: str) -> None:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.aws.home), **self.aws.environment()}
        line = [sys.executable, *command]
        try:
            done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=SCRIPT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"{Path(command[0]).name} did not end within {SCRIPT_SECONDS:.0f} s") from error
        if done.returncode:
            raise DemoError(f"{Path(command[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}")
