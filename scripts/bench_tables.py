"""What was measured as Markdown tables."""

from bench_detection import SETS, seconds_of
from bench_peers import HISTORY, LONGEST_SEASON

_EVENTS = ["F1", "precision", "recall", "delay (intervals)", "false alarms per series-week", "F1 at best threshold"]
_PER_YEAR = {"50": 365.25 / 7, "70": 12, "90": 1}  # points of a quiet series at this severity or more, by definition


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def detection(rows: list[dict]) -> str:
    """Return the table of every series of every set."""
    cells = [
        [
            row["set"],
            str(row["series"]),
            *(f"{row['shipped'][name]:.2f}" for name in ("f1", "precision", "recall")),
            f"{row['delay']:.1f}",
            f"{row['shipped']['false_alarms_per_series_week']:.2f}",
            f"{row['best_threshold']['f1']:.2f}",
        ]
        for row in rows
    ]
    return "**Detection, shipped decision, every series**\n\n" + _table(["set", "series", *_EVENTS], cells)


def quiet(rows: list[dict]) -> str:
    """Return how often quiet points reach a severity, beside how often they should."""
    cells = []
    for row in rows:
        per_year = 365.25 * 86_400 / seconds_of(SETS[row["set"]])
        shares = {str(name): share for name, share in row["quiet_share_at_severity"].items()}
        cells.append([row["set"], *(f"{100 * shares[name]:.3g} % ({100 * due / per_year:.3g} %)" for name, due in _PER_YEAR.items())])
    told = "**What severity means: share of quiet points that reach it** (nominal: one such point per series in a week, a month, a year)"
    return told + "\n\n" + _table(["set", *(f"severity {name} or more" for name in _PER_YEAR)], cells)


def peers(rows: list[dict], series: int) -> str:
    """Return the table of ours beside the peers."""
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
        f"**Side by side with peers, two weeks of the same {series} series of each set after two weeks of learning** (mean over sets). "
        "Ours stands at its shipped threshold, each peer at the one threshold per set that suits it best. Speeds are of the detectors "
        "alone, in one process on the same points; ours takes all series at once, and is quicker the more there are (speed: below). "
        f"Forecasters learn from at most {HISTORY:,} points and are fitted anew every week; MSTL has seasons of at "
        f"most {LONGEST_SEASON} points: more takes minutes a fit. "
        "A few series hold few events: differences of a few hundredths say little."
    )
    return told + "\n\n" + _table(head, cells)


def shops(rows: list[dict], seeds: int) -> str:
    """Return the table of the seeded shops."""
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


def causes(rows: list[dict], big: float) -> str:
    """Return the table of root causes."""
    cells = [[row["set"], f"{row['leaves']:,}", f"{row['f1']:.3f}", f"{row['exact']:.2f}", f"{row['seconds']:.3f}"] for row in rows]
    cells.append(["one cause among many leaves", "50,000", "", "", f"{big:.3f}"])
    return "**Root causes**\n\n" + _table(["set", "leaves", "F1", "cases exact", "CPU seconds per case"], cells)


def speed(engine: dict, scale: dict) -> str:
    """Return the table of speed and memory."""
    cells = []
    for name, figures in engine.items():
        more = f"{figures['bytes_per_series']:,.0f} bytes a series" if "bytes_per_series" in figures else f"{figures['peak_gib']:.1f} GiB"
        cells.append([name, _big(figures["points_per_second"]), f"{figures['seconds']:.1f} s" if "seconds" in figures else "", more])
    for rollups, figures in scale.items():
        what = f"`l4m backtest --rollups {rollups}`, {figures['points'] / 1e6:.0f} M points of Parquet"
        speed = _big(figures["points"] / figures["seconds"])
        cells.append([what, speed, f"{figures['seconds']:.0f} s, {figures['cpu_seconds']:.0f} CPU s", f"{figures['peak_gib']:.1f} GiB"])
    return "**Speed and memory**\n\n" + _table(["what", "points per second", "time", "memory"], cells)


def reads(p95: dict) -> str:
    """Return the table of the API's answers."""
    cells = [[name, f"{milliseconds:.0f}"] for name, milliseconds in p95.items()]
    return "**Reads of a detector with 10,000 groups, on the local AWS**\n\n" + _table(["call", "p95, ms"], cells)


def _big(number: float) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number / 1e3:.1f} k" if number >= 1e3 else f"{number:.0f}"
