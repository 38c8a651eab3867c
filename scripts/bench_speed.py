"""Measure the detector: points per second of a live step and of a run, and the memory of a series.

python scripts/bench_speed.py [SERIES] [SERIES INTERVALS]     default: 100000, then 50000 x 240
"""

import json
import resource
import sys
import time

import numpy as np

from l4m.engine.detection import detector as module
from l4m.engine.detection.detector import Detector
from l4m.engine.settings import Settings

START = 1_699_833_600
WARM, MEASURED = 24, 48
LEARNED = {"seen": 8064, "visits": 336}  # points more, in all and by hour, so that the cold start is over: a month of five minutes


def traffic(series: int, intervals: int) -> np.ndarray:
    """Return Poisson counts of shape (intervals, series) whose rates differ a hundredfold."""
    rng = np.random.default_rng(7)
    rates = 10 ** rng.uniform(1, 3, series)
    return np.stack([rng.normal(rates, np.sqrt(rates)) for _ in range(intervals)]).astype(np.float32)


def live_step(series: int, interval: int) -> dict[str, float]:
    """Time steps of one interval on one core, learning included: CPU seconds, so that neighbours on the machine count less."""
    workers, module.WORKERS = module.WORKERS, 1
    settings, values, spent = Settings(interval_seconds=interval, measures=()), traffic(series, 24), []
    detector = Detector(settings, series)
    detector.run(np.resize(values, (WARM, series)), START)
    learned = detector.to_arrays()
    detector = Detector.from_arrays(settings, {name: array + LEARNED.get(name, 0) for name, array in learned.items()})
    for i in range(WARM, WARM + MEASURED):
        began = time.process_time()
        detector.step(values[i % len(values)], START + i * interval)
        spent.append(time.process_time() - began)
    module.WORKERS = workers
    state = sum(array.nbytes for array in detector.to_arrays().values()) / series
    return {"points_per_second": series / float(np.mean(spent)), "best": series / min(spent), "bytes_per_series": state}


def long_run(series: int, intervals: int) -> dict[str, float]:
    """Time a run of hours on all cores."""
    values = traffic(series, intervals)
    detector = Detector(Settings(interval_seconds=3600, measures=()), series)
    began, cpu = time.perf_counter(), time.process_time()
    detector.run(values, START)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "cpu_seconds": cpu, "points_per_second": values.size / seconds, "peak_gib": peak}


def measure(step_series: int = 100_000, run_series: int = 50_000, run_intervals: int = 240) -> dict[str, dict[str, float]]:
    """Return every figure by name."""
    figures = {f"live step, {step_series} series, {interval} s": live_step(step_series, interval) for interval in (300, 3600, 86_400)}
    figures[f"run, {run_series} series x {run_intervals} hours"] = long_run(run_series, run_intervals)
    return figures


if __name__ == "__main__":
    print(json.dumps(measure(*(int(argument) for argument in sys.argv[1:])), indent=1))
