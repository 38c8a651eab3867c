"""Accuracy and speed as the page of the documents that tells them: every figure is measured by this run, at the shipped defaults.

scripts/bench [--data FOLDER] [--quick] [--page] [--write FILE] [--series N] [--seeds 1,2,3]
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
import bench_scale
import bench_shop
import bench_tables

ROOT = Path(__file__).resolve().parents[1]
PLACES = (ROOT / ".bench" / "data", ROOT.parent / "shared" / "bench")
PAGE, BEGIN, END = ROOT / "ai_ops" / "docs" / "accuracy.md", "<!-- bench: begin -->", "<!-- bench: end -->"


def main() -> None:
    """Measure, and print or write the page."""
    options = _options()
    begin = time.time()
    with tempfile.TemporaryDirectory() as folder:
        parts = [_head(options), *_accuracy(options, Path(folder)), *_speed(options)]
    text = "\n\n".join(parts) + f"\n\nThe run took {(time.time() - begin) / 60:.0f} minutes.\n"
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    if options.page:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}", encoding="utf-8")
    print(text)


def _accuracy(options: argparse.Namespace, out: Path) -> list[str]:
    score, data = _load(options.data / "score.py"), options.data / "data"
    seeds = [int(seed) for seed in options.seeds.split(",")]
    found = bench_detection.whole_sets(data, score, out)
    return [
        bench_tables.detection(found),
        bench_tables.quiet(found),
        bench_tables.peers(bench_detection.side_by_side(data, score, out, options.series), options.series),
        bench_tables.shops(bench_shop.shops(data, score, out, seeds), len(seeds)),
        bench_tables.causes([*bench_shop.causes(data, score, out), bench_shop.opposite()], bench_shop.big_table()),
    ]


def _speed(options: argparse.Namespace) -> list[str]:
    engine = _ask(sys.executable, "bench_speed.py")
    if options.quick:
        return [bench_tables.speed(engine, {})]
    subprocess.run(
        [ROOT / "scripts" / "install"], check=True, timeout=bench_detection.LONGEST_SECONDS
    )  # the local AWS stands in the environment of the tests
    return [
        bench_tables.speed(engine, bench_scale.measure()),
        bench_tables.reads(_ask(str(ROOT / ".venv" / "bin" / "python"), "bench_reads.py")),
    ]


def _ask(python: str, script: str) -> dict:
    """The figures of a measurement that has a process of its own."""
    command = [python, str(ROOT / "scripts" / script)]
    return json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=bench_detection.LONGEST_SECONDS).stdout
    )


def _options() -> argparse.Namespace:
    found = next((place for place in PLACES if (place / "score.py").exists()), None)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=found, help="folder with score.py, shopsim.py and data/")
    parser.add_argument(
        "--page", "--readme", action="store_true", help="put the figures into ai_ops/docs/accuracy.md, between its two marks"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page to a file")
    parser.add_argument("--series", type=int, default=8, help="series per set on which the peers run (default 8)")
    parser.add_argument("--seeds", default="1,2,3", help="seeds of the shops (default 1,2,3)")
    parser.add_argument("--quick", action="store_true", help="one series per set, one shop per interval, no large file, no API")
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


def _head(options: argparse.Namespace) -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} with `scripts/bench{' --quick' if options.quick else ''}` on {os.cpu_count()} cores "
        f"({model or platform.machine()}, {memory:.0f} GiB{load}), Python {platform.python_version()}. Speeds count CPU time."
    )


if __name__ == "__main__":
    main()
