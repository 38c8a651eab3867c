"""Measure what one function does for a large detector: CPU seconds and memory of learning, and of a live interval.

python scripts/bench_service.py [SERIES DAYS]     default: 50000 hourly series and 90 days, as GZIP CSV in S3 of the local AWS
"""

import json
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from localaws import LocalAws

TEMPLATE = Path(__file__).resolve().parents[1] / "ai_ops" / "l4m-service.yaml"
SHOPS, FILES = 50, 4
TICKS = os.sysconf("SC_CLK_TCK")
ROWS = """
SELECT TIMESTAMP '{start}' + INTERVAL (hour) HOUR AS time, 'p' || (series // {shops}) AS product, 's' || (series % {shops}) AS shop,
  (20 + series % 300 + 10 * sin(hour * pi() / 12) + 5 * random())::INT AS orders
FROM range({first}, {last}) hours(hour), range({series}) numbers(series)
"""


def measure(series: int, days: int) -> dict[str, Any]:
    """Learn from a history, then run the interval after it; figures of the function's own process."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)  # so that it is not learned but run
    with tempfile.TemporaryDirectory() as folder, LocalAws.start(Path(folder) / "home") as aws:
        outputs = aws.deploy(TEMPLATE, "bench", {"RunMemory": 10240})
        function = outputs["RunDetectionFunction"]
        about = _watch(aws, outputs)
        size = _upload(aws, Path(folder), series, (end - timedelta(days=days), 24 * days), "past/")
        _upload(aws, Path(folder), series, (end, 1), f"live/{end:%Y%m%d%H}/")
        api = aws.client("lookoutmetrics")
        api.activate_anomaly_detector(**about)
        aws.wait_idle(3600)
        described = api.describe_anomaly_detector(**about)
        learned = _process(function) | {"status": described["Status"], "reason": described.get("FailureReason")}
        task = {"detector": about["AnomalyDetectorArn"], "task": "run", "time": (end + timedelta(hours=1)).isoformat()}
        aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(task).encode())
        live = _process(function)
    run = {"cpu_seconds": round(live["cpu_seconds"] - learned["cpu_seconds"], 1), "peak_mb": live["peak_mb"]}
    return {"series": series, "intervals": 24 * days, "gzip_mb": size, "learning": learned, "live interval": run}


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
    bounds, size = [count * part // FILES for part in range(FILES + 1)], 0
    for part in range(FILES):
        query = ROWS.format(start=f"{start:%Y-%m-%d %H:%M:%S}", shops=SHOPS, series=series, first=bounds[part], last=bounds[part + 1])
        file = folder / "rows.csv.gz"
        duckdb.sql(f"COPY ({query}) TO '{file}' (HEADER, COMPRESSION gzip)")
        size += file.stat().st_size
        with file.open("rb") as body:
            aws.client("s3").put_object(Bucket="bench-data", Key=f"{prefix}{part}.csv.gz", Body=body)
    return size >> 20


def _process(function: str) -> dict[str, Any]:
    """CPU seconds and largest memory so far of the process that runs a function."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if f"AWS_LAMBDA_FUNCTION_NAME={function}\0".encode() in environment:
            times = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            peak = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmHWM"))
            return {"cpu_seconds": round((int(times[11]) + int(times[12])) / TICKS, 1), "peak_mb": int(peak.split()[1]) >> 10}
    raise LookupError(f"no process of {function}")


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:] or (50_000, 90))), indent=1))
