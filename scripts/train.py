"""Fit the constants of the engine that are fitted, and say how they hold on data that did not choose them.

    scripts/train severity --data FOLDER [--judge-only NAME] [--write]

`severity` fits the log survival scores of severities 50, 70 and 90, and the severity from which on a point is an anomaly: on seeded
shapes of series, and on the labelled sets of a folder (NAME_5min.parquet or NAME_1h.parquet with timestamp, series, value, and
NAME_..._labels.parquet with label and test). Sets of five minutes are read by the hour as well. Every set is judged by what shapes and the
other sets chose; `--write` then fits on all of them and writes the table that the engine loads.
"""

import argparse
import datetime
import math
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from train_shapes import SHAPES

from l4m.engine.detection import severity
from l4m.engine.detection.detector import Detector
from l4m.engine.settings import Settings

TARGET = Path(severity.__file__).with_name("severity_table.py")
STEPS = {1: 86_400, 24: 3_600, 288: 300}  # seconds of an interval, by points of a day
AMOUNTS = {1: (900, 40), 24: (24 * 7 * 24, 10), 288: (288 * 7 * 7, 8)}  # intervals and series of each shape
LATE = {1: 1, 24: 3, 288: 7}  # intervals that an alarm may come late and still counts
NAMES = {"_5min": 288, "_1h": 24}
LEVELS = (50, 70, 90)
DAYS = (7, 30, 365)  # of a quiet series, in which one point reaches them
CANDIDATES = np.arange(56.0, 96.0, 2.0)  # severities of an anomaly
MOST_FALSE = 0.25  # alarms a series and week that a choice may cost on the sets that choose
START = 1_699_833_600  # Monday 2023-11-13, midnight UTC


@dataclass
class Scored:
    """Series side by side: arrays of shape (intervals, series); ``score`` is NaN where nothing is scored."""

    name: str
    per_day: int
    score: NDArray[np.float64]
    quiet: NDArray[np.bool_]
    label: NDArray[np.int64]
    test: NDArray[np.bool_]


def survival_scores(values: NDArray[np.float32], per_day: int) -> NDArray[np.float64]:
    """Score series; return log survival scores, which follow from severities."""
    found = Detector(Settings(STEPS[per_day], ()), values.shape[1]).run(values, START).severity
    grid = np.concatenate([np.linspace(0, 12, 5_000), np.geomspace(12, 1_000, 2_000)[1:]])
    return np.where(np.isnan(found), np.nan, np.interp(found, severity.severity_of(grid, per_day), grid))


def score_shapes(per_day: int, seed: int) -> list[Scored]:
    """Score every shape; all go through the detector at once."""
    n, series = AMOUNTS[per_day]
    made = [shape(np.random.default_rng([seed, number]), n, series, per_day) for number, shape in enumerate(SHAPES.values())]
    score = survival_scores(np.concatenate([values for values, _ in made], axis=1).astype(np.float32), per_day)
    score[: (28 if per_day > 1 else 60) * per_day] = np.nan  # what is true of a grown series is asked for
    parts = np.split(score, len(made), axis=1)
    blank = np.zeros((n, series), np.int64)
    return [Scored(name, per_day, part, quiet, blank, quiet) for name, part, (_, quiet) in zip(SHAPES, parts, made, strict=True)]


def read_set(path: Path, per_day: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Return values, labels and which intervals are judged; series begin at the same hour of the week, whenever they began."""
    labels = path.with_name(f"{path.stem}_labels.parquet")
    rows = (
        duckdb.connect()
        .execute(
            f"SELECT series, epoch(p.timestamp)::BIGINT t, value, label, test FROM '{path}' p JOIN '{labels}' l USING (series, timestamp)"
        )
        .fetchnumpy()
    )
    _, column = np.unique(np.asarray(rows["series"]).astype(str), return_inverse=True)
    first = np.full(column.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, column, rows["t"])
    week = 7 * 86_400
    at = (rows["t"] - ((first - START) // week * week + START)[column]) // STEPS[per_day]
    shape = (int(at.max()) + 1, column.max() + 1)
    values, label, test = np.full(shape, np.nan, np.float32), np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
    values[at, column], label[at, column], test[at, column] = rows["value"], rows["label"], rows["test"]
    return values, label, test


def coarser(values: NDArray[np.float32], label: NDArray[np.int64], test: NDArray[np.bool_]) -> tuple[NDArray, NDArray, NDArray]:
    """Read a set of five minutes by the hour."""
    last = len(values) // 12 * 12
    hours = values[:last].reshape(-1, 12, values.shape[1])
    came = ~np.isnan(hours)
    means = np.where(came.any(axis=1), np.nansum(hours, axis=1) / np.maximum(came.sum(axis=1), 1), np.nan).astype(np.float32)
    return means, label[:last].reshape(hours.shape).max(axis=1), test[:last].reshape(hours.shape).all(axis=1)


def judge_set(name: str, per_day: int, values: NDArray[np.float32], label: NDArray[np.int64], test: NDArray[np.bool_]) -> Scored:
    """Score a set; a few intervals around each event are not quiet."""
    score, near = survival_scores(values, per_day), label > 0
    for shift in range(1, LATE[per_day] + 1):
        near[shift:] |= label[:-shift] > 0
        near[:-shift] |= label[shift:] > 0
    return Scored(name, per_day, score, ~near & test, label, test)


def quiet_scores(one: Scored) -> NDArray[np.float64]:
    """Return the scores of quiet points, ascending."""
    return np.sort(one.score[one.quiet & ~np.isnan(one.score)])


def share_beyond(scores: NDArray[np.float64], knot: float) -> tuple[float, int]:
    """Return which share of points reaches a score, and how many points there are."""
    return float(len(scores) - np.searchsorted(scores, knot)) / max(1, len(scores)), len(scores)


def fit_knots(shapes: list[Scored], sets: list[Scored]) -> list[float]:
    """Return the scores that quiet points of shapes, all together, and of sets reach as seldom as the severities say.

    Between groups, the geometric mean of the shares is what is nominal; half a point stands for none.
    """
    groups = [[quiet_scores(one)] for one in sets] + [[quiet_scores(one) for one in shapes]]
    knots = []
    for days in DAYS:
        nominal = 1 / (days * shapes[0].per_day)
        low, high = 0.0, 60.0
        for _ in range(50):
            middle = (low + high) / 2
            logs = []
            for group in groups:
                found = [share_beyond(scores, middle) for scores in group]
                logs.append(math.log((np.mean([share for share, _ in found]) + 0.5 / sum(n for _, n in found)) / nominal))
            low, high = (middle, high) if np.mean(logs) > 0 else (low, middle)
        knots.append(round(high, 2))
    return knots


def compare(one: Scored, knots: list[float]) -> list[float]:
    """Return shares of quiet points at the severities, each as a multiple of what is nominal."""
    scores = quiet_scores(one)
    return [share_beyond(scores, knot)[0] * days * one.per_day for knot, days in zip(knots, DAYS, strict=True)]


def count_events(fired: NDArray[np.bool_], label: NDArray[np.int64], late: int) -> tuple[int, int, int]:
    """Return events found, events, and false alarms of one series: alarms close together are one, a long one counts every 24 points."""
    edge = np.diff(np.concatenate([[0], label, [0]]))
    first, last = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1) - 1
    grace, found = np.zeros(len(label), np.bool_), 0
    for a, b in zip(first, last, strict=True):
        found += bool(fired[a : min(b, a + late) + 1].any())
        grace[max(0, a - late) : b + 1 + late] = True
    alarms = np.flatnonzero(fired & ~grace)
    if not len(alarms):
        return found, len(first), 0
    gap = np.flatnonzero(np.diff(alarms) > late)
    begin, end = alarms[np.concatenate([[0], gap + 1])], alarms[np.concatenate([gap, [len(alarms) - 1]])]
    return found, len(first), int(np.ceil((end - begin + 1) / 24).sum())


def event_f1(one: Scored, threshold: float) -> tuple[float, float]:
    """Return F1 of events and false alarms a series-week, where scores from a threshold on are anomalies."""
    found = events = false = 0
    weeks = 0.0
    for column in range(one.score.shape[1]):
        inside = np.flatnonzero(one.test[:, column])
        if len(inside):
            part = slice(inside[0], inside[-1] + 1)
            f, e, w = count_events(one.score[part, column] >= threshold, one.label[part, column], LATE[one.per_day])
            found, events, false, weeks = found + f, events + e, false + w, weeks + len(inside) / one.per_day / 7
    precision, recall = found / max(1, found + false), found / max(1, events)
    return 2 * precision * recall / max(precision + recall, 1e-12), false / max(weeks, 1e-9)


def score_at(level: float, knots: list[float]) -> float:
    """Return the log survival score of a severity below 100."""
    beyond = (level - 90) / (100 - level) * severity.BEYOND if level > 90 else 0.0
    return float(np.interp(level, (0, *LEVELS), (0.0, *knots))) + beyond


def choose_level(sets: list[Scored], knots: dict[int, list[float]]) -> float:
    """Return the severity at which the sets' mean F1 is best, among those that cost few false alarms."""
    found = []
    for level in CANDIDATES:
        results = [event_f1(one, score_at(level, knots[one.per_day])) for one in sets]
        f1, false = (float(np.mean(column)) for column in zip(*results, strict=True))
        found.append((false <= MOST_FALSE, f1 if false <= MOST_FALSE else -false, float(level)))
    return max(found)[2]


def origin(one: Scored) -> str:
    """Return the set that something was read from."""
    return one.name.split(" ")[0].rpartition("_")[0]


def learn_severity(folder: Path, judged: set[str], write: bool) -> None:
    """Fit, judge, print, and write if asked."""
    shapes = {per_day: score_shapes(per_day, seed=1) for per_day in STEPS}
    sets = []
    for suffix, per_day in NAMES.items():
        for path in sorted(folder.glob(f"*{suffix}.parquet")):
            data = read_set(path, per_day)
            sets.append(judge_set(path.stem, per_day, *data))
            if per_day == 288:
                sets.append(judge_set(f"{path.stem} by the hour", 24, *coarser(*data)))
            print(f"scored {path.stem}", flush=True)

    def fit(chosen: list[Scored]) -> tuple[dict[int, list[float]], float]:
        knots = {per_day: fit_knots(shapes[per_day], [one for one in chosen if one.per_day == per_day]) for per_day in STEPS}
        return knots, choose_level(chosen, knots)

    every, sets = sets, [one for one in sets if one.name.split(" ")[0] not in judged]

    knots, level = fit(sets)
    print(f"\nknots {knots}, an anomaly from severity {level:.0f} on")
    print(
        "\n| set | held out: shares at 50, 70, 90 against nominal | in-sample | held out: level, F1, false alarms | in-sample |\n|---|---|---|---|---|"
    )
    lines, held = [], []
    for one in every:
        theirs, at = fit([other for other in sets if origin(other) != origin(one)])
        out, inside = compare(one, theirs[one.per_day]), compare(one, knots[one.per_day])
        f1, own = event_f1(one, score_at(at, theirs[one.per_day])), event_f1(one, score_at(level, knots[one.per_day]))
        print(f"| {one.name} | {say(out)} | {say(inside)} | {at:.0f}: {f1[0]:.2f}, {f1[1]:.2f} | {own[0]:.2f}, {own[1]:.2f} |", flush=True)
        lines.append(
            f"{one.name}: shares at 50, 70, 90 {say(out)} of nominal; event F1 {f1[0]:.2f}, {f1[1]:.2f} false alarms a series-week"
        )
        held.append((one, f1))
    real = [f1 for one, f1 in held if " " not in one.name and one.name not in judged]
    if real:
        lines.append(
            f"mean of sets whose labels are events: F1 {np.mean([f for f, _ in real]):.2f}, false alarms {np.mean([w for _, w in real]):.2f}"
        )
        print(lines[-1])
    print("\n| shapes of another seed | by | shares at 50, 70, 90 against nominal |\n|---|---|---|")
    for per_day in STEPS:
        others = score_shapes(per_day, seed=2)
        for one in others:
            print(f"| {one.name} | {per_day} a day | {say(compare(one, knots[per_day]))} |")
        pooled = np.mean([compare(one, knots[per_day]) for one in others], axis=0)
        lines.append(f"shapes of another seed, {per_day} points a day: {say(pooled)} of nominal")
        print(f"| all | {per_day} a day | {say(pooled)} |", flush=True)
    if write:
        write_table(knots, level, [one.name for one in sets], lines)


def say(multiples: list[float]) -> str:
    """Write multiples."""
    return " / ".join(f"{one:.1f}" for one in multiples)


def write_table(knots: dict[int, list[float]], level: float, names: list[str], lines: list[str]) -> None:
    """Write what was fitted, with data, date and held-out scores."""
    rows = "".join(f"    {tuple(float(row[n]) for row in (knots[p] for p in STEPS))},  # severity {LEVELS[n]}\n" for n in range(3))
    said = "".join(f"- {line}\n" for line in lines)
    today = datetime.datetime.now(datetime.UTC).date()
    TARGET.write_text(
        f'"""Log survival scores of severities and of an anomaly, at 1, 24 and 288 points of a day, fitted by `scripts/train severity` on {today}.\n\n'
        f"Data: {len(SHAPES)} seeded shapes of series; {', '.join(names)}. Held out (each set judged by what the others chose):\n\n{said}"
        f'"""\n\nKNOTS = (\n{rows})\nTHRESHOLDS = {tuple(round(score_at(level, knots[p]), 3) for p in STEPS)}  # of an anomaly at sensitivity 50: severity {level:.0f}\n',
        encoding="utf-8",
    )
    print(f"\nwrote {TARGET}")


def main() -> None:
    """Fit what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["severity"])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument(
        "--judge-only", action="append", default=["nab_5min"], help="sets that choose nothing, as those with windows as labels"
    )
    parser.add_argument("--write", action="store_true", help="write the table that the engine loads")
    arguments = parser.parse_args()
    learn_severity(arguments.data, set(arguments.judge_only), arguments.write)


if __name__ == "__main__":
    main()
