"""Measure what functions do for a large detector: CPU seconds and memory of learning, whole or in shards, and of a live interval.

python scripts/bench_service.py [SERIES DAYS [AT_ONCE]]

Default: 50000 hourly series and 90 days, as GZIP CSV in S3 of the local AWS. Where AT_ONCE is less than SERIES, the steps of the
learning in shards are measured one by one, and then the same data learned at once.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localaws import LocalAws

TEMPLATE = Path(__file__).resolve().parents[1] / "ai_ops" / "l4m-service.yaml"
SHOPS, FILES = 50, 4
TICKS = os.sysconf("SC_CLK_TCK")


def measure(series: int, days: int, at_once: int) -> dict[str, Any]:
    """Learn from a history, then run the interval after it; figures of the functions' own processes."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)  # so that it is not learned but run
    with tempfile.TemporaryDirectory() as folder, LocalAws.start(Path(folder) / "home") as aws:
        meter = Meter(aws)
        about = _watch(aws, _deploy(aws, at_once, meter))
        size = _upload(aws, Path(folder), series, (end - timedelta(days=days), 24 * days), "past/")
        _upload(aws, Path(folder), series, (end, 1), f"live/{end:%Y%m%d%H}/")
        if series > at_once:
            _learn_in_shards(aws, about, meter, end)
            aws.client("lookoutmetrics").deactivate_anomaly_detector(**about)
            aws.wait_idle()
            _deploy(aws, series, meter)
        with meter.measured("learning at once"):
            aws.client("lookoutmetrics").activate_anomaly_detector(**about)
            aws.wait_idle(3600)
        _run(aws, about, meter, end)
    return {"series": series, "intervals": 24 * days, "gzip_mb": size, "figures": meter.figures}


def _deploy(aws: LocalAws, at_once: int, meter: Meter) -> dict[str, str]:
    """The service, whose function learns so many series at once; its processes begin anew."""
    outputs = aws.deploy(TEMPLATE, "bench", {"RunMemory": 10240, "MaxSeries": 1_000_000, "SeriesAtOnce": at_once})
    meter.function = outputs["RunDetectionFunction"]
    return outputs


def _learn_in_shards(aws: LocalAws, about: dict[str, str], meter: Meter, end: datetime) -> None:
    machine = _still_machine(aws)
    with meter.measured("plan"):
        aws.client("lookoutmetrics").activate_anomaly_detector(**about)
        aws.wait_idle(3600)
    _carry_out(aws, machine, meter)
    _run(aws, about, meter, end)


def _run(aws: LocalAws, about: dict[str, str], meter: Meter, start: datetime) -> None:
    """A live interval of a detector that has learned."""
    described = aws.client("lookoutmetrics").describe_anomaly_detector(**about)
    if described["Status"] != "ACTIVE":
        raise RuntimeError(described)
    with meter.measured("live interval"):
        meter.invoke({"detector": about["AnomalyDetectorArn"], "task": "run", "time": (start + timedelta(hours=1)).isoformat()})


class Meter:
    """CPU seconds and largest memory of a function's process, from step to step."""

    def __init__(self, aws: LocalAws) -> None:
        self.figures: list[tuple[str, float, int]] = []
        self.function = ""
        self._lambda = aws.client("lambda")

    @contextmanager
    def measured(self, step: str) -> Iterator[None]:
        """Note the figures of what is done inside; memory that earlier steps had and gave back does not count."""
        before = self._cpu_seconds()
        for process in self._processes():
            (process / "clear_refs").write_text("5")
        yield
        peaks = [re.search(r"VmHWM:\s+(\d+)", (process / "status").read_text()) for process in self._processes()]
        spent = sum(seconds - before.get(process, 0) for process, seconds in self._cpu_seconds().items())
        self.figures.append((step, round(spent, 1), max(int(peak[1]) for peak in peaks if peak) >> 10))
        print(*self.figures[-1], "MB", flush=True, file=sys.stderr)

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        """Let the function do a task, and wait for its answer."""
        answer = self._lambda.invoke(FunctionName=self.function, Payload=json.dumps(event).encode())
        said = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise RuntimeError(said)
        return dict(said)

    def _cpu_seconds(self) -> dict[Path, float]:
        times = {process: (process / "stat").read_text().rsplit(")", 1)[1].split() for process in self._processes()}
        return {process: (int(one[11]) + int(one[12])) / TICKS for process, one in times.items()}

    def _processes(self) -> list[Path]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes()
            except OSError:
                continue
            if f"AWS_LAMBDA_FUNCTION_NAME={self.function}\0".encode() in environment:
                found.append(process)
        return found


def _still_machine(aws: LocalAws) -> str:
    """The machine, which from now on keeps what it is ordered and does nothing: its steps are measured one by one."""
    states = aws.client("stepfunctions")
    (machine,) = [one["stateMachineArn"] for one in states.list_state_machines()["stateMachines"]]
    definition = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}}
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))
    return str(machine)


def _carry_out(aws: LocalAws, machine: str, meter: Meter) -> None:
    """Do what statemachine/learn.asl.json does, a step at a time."""
    states = aws.client("stepfunctions")
    (execution,) = states.list_executions(stateMachineArn=machine)["executions"]
    order = json.loads(states.describe_execution(executionArn=execution["executionArn"])["input"])
    common = {"detector": order["order"]["detector"], "order": order["order"], "parts": order["parts"]}
    for shard in order["shards"]:
        with meter.measured(f"shard {shard + 1} of {len(order['shards'])}"):
            meter.invoke({**common, "task": "shard", "shard": shard})
    with meter.measured("join"):
        progress = meter.invoke({**common, "task": "join"})
    while progress["status"] == "MORE":
        with meter.measured("advance"):
            progress = meter.invoke({**common, "task": "advance", "progress": progress})
    with meter.measured("clear"):
        meter.invoke({**common, "task": "clear"})


def _watch(aws: LocalAws, outputs: dict[str, str]) -> dict[str, str]:
    """A detector with a metric set on the bucket."""
    role, api = _role(aws, outputs["ServiceRoleArn"]), aws.client("lookoutmetrics")
    made = api.create_anomaly_detector(AnomalyDetectorName="bench", AnomalyDetectorConfig={"AnomalyDetectorFrequency": "PT1H"})
    about = {"AnomalyDetectorArn": made["AnomalyDetectorArn"]}
    source = {
        "RoleArn": role,
        "TemplatedPathList": ["s3://bench-data/live/{{yyyyMMddHH}}"],
        "HistoricalDataPathList": ["s3://bench-data/past/"],
        "FileFormatDescriptor": {"CsvFormatDescriptor": {"ContainsHeader": True, "Delimiter": ",", "FileCompression": "GZIP"}},
    }
    api.create_metric_set(
        **about,
        MetricSetName="orders",
        MetricList=[{"MetricName": "orders", "AggregationFunction": "SUM"}],
        DimensionList=["product", "shop"],
        TimestampColumn={"ColumnName": "time", "ColumnFormat": "yyyy-MM-dd HH:mm:ss"},
        MetricSetFrequency="PT1H",
        MetricSource={"S3SourceConfig": source},
    )
    return about


def _role(aws: LocalAws, trusted: str) -> str:
    """The bucket of the data, and a role that may read it."""
    trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
    read = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::bench-data*"}
    iam = aws.client("iam")
    role = iam.create_role(RoleName="BenchLookoutForMetricsRole", AssumeRolePolicyDocument=_policy(trust))["Role"]
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="data", PolicyDocument=_policy(read))
    aws.client("s3").create_bucket(Bucket="bench-data")
    return str(role["Arn"])


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _upload(aws: LocalAws, folder: Path, series: int, hours: tuple[datetime, int], prefix: str) -> int:
    """Write the rows of some hours and put them into the bucket; returns their size in MB."""
    start, count = hours
    bounds, size, rows = [count * part // FILES for part in range(FILES + 1)], 0, Rows.of(series)
    for part in range(FILES):
        file = folder / "rows.csv.gz"
        with gzip.open(file, "wb", compresslevel=1) as out:
            out.write(b"time,product,shop,orders\n")
            for hour in range(bounds[part], bounds[part + 1]):
                out.write(rows.at(start + timedelta(hours=hour)))
        size += file.stat().st_size
        with file.open("rb") as body:
            aws.client("s3").put_object(Bucket="bench-data", Key=f"{prefix}{part}.csv.gz", Body=body)
    return size >> 20


@dataclass
class Rows:
    """The rows of one hour as a matrix of letters, in which only the time and the numbers change: a wave over the day with noise."""

    letters: NDArray[np.uint8]
    levels: NDArray[np.int64]
    noise: np.random.Generator

    @classmethod
    def of(cls, series: int) -> Rows:
        """Rows of so many series, all of the same length."""
        width = len(str(series // SHOPS))
        rows = [f"{'':19},p{one // SHOPS:0{width}},s{one % SHOPS:02},000\n" for one in range(series)]
        letters = np.frombuffer("".join(rows).encode(), np.uint8).reshape(series, -1).copy()
        return cls(letters, 20 + np.arange(series) % 300, np.random.default_rng(1))

    def at(self, time: datetime) -> bytes:
        """The rows of an hour."""
        wave = round(10 * math.sin(time.hour * math.pi / 12))
        orders = self.levels + wave + self.noise.integers(0, 6, self.levels.size)
        self.letters[:, :19] = np.frombuffer(f"{time:%Y-%m-%d %H:%M:%S}".encode(), np.uint8)
        for place, unit in enumerate((100, 10, 1)):
            self.letters[:, place - 4] = ord("0") + orders // unit % 10
        return self.letters.tobytes()


if __name__ == "__main__":
    chosen = [int(word) for word in sys.argv[1:]] or [50_000, 90]
    print(json.dumps(measure(chosen[0], chosen[1], chosen[2] if len(chosen) > 2 else chosen[0]), indent=1))
