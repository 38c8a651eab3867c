"""Measure `l4m backtest` on a large file: wall and CPU seconds and peak memory, with and without rollups.

python scripts/bench_scale.py [SERIES HOURS]     default: 50000 series x 2160 hours, a Parquet file of about 650 MB
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import duckdb

LONGEST_SECONDS = 7200
SERIES, HOURS = 50_000, 2_160
STRIDE = 7_919  # a prime: within each hour, series come in an order of their own
ROWS = """
SELECT make_timestamp((1699920000 + number // {series} * 3600) * 1000000) AS timestamp, 'country ' || s % 50 AS country,
  'platform ' || s // 50 % 10 AS platform, 'category ' || s // 500 AS category,
  (100 + 10 * sin(number // {series} * pi() / 12) + 20 * random())::FLOAT AS value
FROM (SELECT range AS number, (range * {stride} + range // {series}) % {series} AS s FROM range({rows}))
"""
COLUMNS = ["--timestamp", "timestamp", "--measures", "value", "--dimensions", "country,platform,category", "--interval", "PT1H"]


def measure(series: int = SERIES, hours: int = HOURS) -> dict[str, dict[str, float]]:
    """Return the figures by the choice of rollups."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "scale.parquet"
        make_table(table, series, hours)
        return {rollups: _run(table, rollups) | {"points": series * hours} for rollups in ("none", "auto")}


def make_table(target: Path, series: int, hours: int) -> None:
    """Write noise around a daily course, an hour after the other."""
    duckdb.connect().execute(f"COPY ({ROWS.format(series=series, rows=series * hours, stride=STRIDE)}) TO '{target}'")


def _run(table: Path, rollups: str) -> dict[str, float]:
    begin = time.perf_counter()
    command = [sys.executable, "-m", "l4m.cli", "backtest", str(table), *COLUMNS, "--rollups", rollups]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    timer = threading.Timer(LONGEST_SECONDS, process.kill)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)  # waits as long as the timer lets
    timer.cancel()
    if status:
        raise SystemExit(f"the backtest with rollups {rollups} failed, or took more than {LONGEST_SECONDS} s")
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_gib": usage.ru_maxrss / 2**20}


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:])), indent=1))
