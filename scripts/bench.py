"""Accuracy and speed as a Markdown page: everything on it is measured by this run, at the shipped defaults.

python scripts/bench.py [--data FOLDER] [--quick] [--write FILE] [--series N] [--seeds 1,2,3] [--scale]
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import bench_detection
import bench_shop
import bench_speed
import duckdb

_EVENTS = ["F1", "precision", "recall", "delay (intervals)", "false alarms per series-week", "F1 at best threshold"]
ROOT = Path(__file__).resolve().parents[1]
PLACES = (ROOT / ".bench" / "data", ROOT.parent / "shared" / "bench")


def main() -> None:
    """Measure, and print or write the page."""
    options = _options()
    score = _load(options.data / "score.py")
    data = options.data / "data"
    seeds = [int(seed) for seed in options.seeds.split(",")]
    begin = time.time()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        page = [_head(options)]
        page.append(_detection(bench_detection.whole_sets(data, score, out)))
        page.append(_peers(bench_detection.side_by_side(data, score, out, options.series), options.series))
        page.append(_shops(bench_shop.shops(data, score, out, seeds), len(seeds)))
        page.append(_causes(bench_shop.causes(data, score, out), bench_shop.big_table()))
        page.append(_speed(_engine_speed(), _scale(out) if options.scale else None))
    text = "\n\n".join(page) + f"\n\nThe run took {(time.time() - begin) / 60:.0f} minutes.\n"
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    print(text)


def _options() -> argparse.Namespace:
    found = next((place for place in PLACES if (place / "score.py").exists()), None)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=found, help="folder with score.py, shopsim.py and data/")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page there too")
    parser.add_argument("--series", type=int, default=3, help="series per set on which the peers run (default 3)")
    parser.add_argument("--seeds", default="1,2,3", help="seeds of the shops (default 1,2,3)")
    parser.add_argument("--scale", action="store_true", help="also backtest 50,000 series x 2,160 hours (writes 400 MB for it)")
    parser.add_argument("--quick", action="store_true", help="one series per set and one shop per interval")
    options = parser.parse_args()
    if options.data is None or not (options.data / "score.py").exists():
        parser.error("no benchmark data found: name its folder with --data")
    if options.quick:
        options.series, options.seeds = 1, "1"
    return options


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _engine_speed() -> dict:
    command = [sys.executable, str(Path(bench_speed.__file__))]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _scale(out: Path) -> dict:
    table = out / "scale.parquet"
    duckdb.connect().execute(
        f"COPY (SELECT make_timestamp((1699920000 + h * 3600) * 1000000) AS timestamp, 's' || s AS series, "
        f"(100 + 10 * sin(h / 24.0 * 6.2832) + random() * 10)::FLOAT AS value FROM range(2160) a(h), range(50000) b(s)) TO '{table}'"
    )
    command = [*bench_detection.L4M, "backtest", str(table), "--timestamp", "timestamp", "--measures", "value", "--dimensions", "series"]
    begin = time.perf_counter()
    process = subprocess.Popen([*command, "--interval", "PT1H", "--rollups", "none"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the large backtest failed")
    return {"seconds": time.perf_counter() - begin, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_gib": usage.ru_maxrss / 2**20}


def _head(options: argparse.Namespace) -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} with `scripts/bench{' --quick' if options.quick else ''}` on {os.cpu_count()} cores "
        f"({model or platform.machine()}, {memory:.0f} GiB{load}), Python {platform.python_version()}. Speeds count CPU time."
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _detection(rows: list[dict]) -> str:
    cells = [
        [
            row["set"],
            str(row["series"]),
            *(f"{row['shipped'][name]:.2f}" for name in ("f1", "precision", "recall")),
            f"{row['delay']:.1f}",
            f"{row['shipped']['false_alarms_per_series_week']:.2f}",
            f"{row['best_threshold']['f1']:.2f}",
            " / ".join(f"{100 * share:.2g} %" for share in row["quiet_share_at_severity"].values()),
        ]
        for row in rows
    ]
    head = ["set", "series", *_EVENTS, "quiet points at severity 50 / 70 / 90"]
    return "**Detection, shipped decision, every series**\n\n" + _table(head, cells)


def _peers(rows: list[dict], series: int) -> str:
    cells = [
        [
            row["detector"],
            *(f"{row[name]:.2f}" for name in ("f1", "precision", "recall")),
            f"{row['delay']:.1f}",
            f"{row['false_alarms_per_series_week']:.2f}",
            f"{row['best']:.2f}",
            _big(row["points_per_second"]),
        ]
        for row in rows
    ]
    head = ["detector", *_EVENTS, "points per CPU second"]
    told = (
        f"**Side by side with peers, the same {series} series of each set** (mean over sets). Ours stands at its shipped threshold and "
        "counts reading and writing files; each peer stands at the one threshold per set that suits it best."
    )
    return told + "\n\n" + _table(head, cells)


def _shops(rows: list[dict], seeds: int) -> str:
    names = ("f1", "precision", "recall", "first_cause_exact", "mean_delay_intervals", "false_incidents_per_week")
    cells = [[row["interval"], *(f"{row[name]:.2f}" for name in names), f"{row['seconds']:.0f}"] for row in rows]
    head = [
        "interval",
        "incident F1",
        "precision",
        "recall",
        "first cause exact",
        "delay (intervals)",
        "false incidents a week",
        "CPU seconds",
    ]
    return f"**Incidents of a shop, 384 leaf series, two measures** ({seeds} seed{'s' if seeds > 1 else ''} each)\n\n" + _table(head, cells)


def _causes(rows: list[dict], big: float) -> str:
    cells = [[row["set"], f"{row['leaves']:,}", f"{row['f1']:.3f}", f"{row['exact']:.2f}", f"{row['seconds']:.3f}"] for row in rows]
    cells.append(["one cause among many leaves", "50,000", "", "", f"{big:.3f}"])
    return "**Root causes**\n\n" + _table(["set", "leaves", "F1", "cases exact", "CPU seconds per case"], cells)


def _speed(engine: dict, scale: dict | None) -> str:
    cells = []
    for name, figures in engine.items():
        more = f"{figures['bytes_per_series']:,.0f} bytes a series" if "bytes_per_series" in figures else f"{figures['peak_gib']:.1f} GiB"
        cells.append([name, _big(figures["points_per_second"]), f"{figures['seconds']:.1f} s" if "seconds" in figures else "", more])
    if scale:
        speed = 50_000 * 2_160 / scale["seconds"]
        cells.append(
            [
                "`l4m backtest`, 50,000 series x 2,160 hours of Parquet",
                _big(speed),
                f"{scale['seconds']:.0f} s",
                f"{scale['peak_gib']:.1f} GiB",
            ]
        )
    return "**Speed and memory**\n\n" + _table(["what", "points per second", "time", "memory"], cells)


def _big(number: float) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number / 1e3:.1f} k" if number >= 1e3 else f"{number:.0f}"


if __name__ == "__main__":
    main()
