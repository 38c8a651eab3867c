"""Alerts for people: what, since when, how much against expected, where, how sure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from l4m.alerts.explanation import Document
from l4m.model import Alert, Detector

SHORT_LENGTH = 140
LARGEST_PERCENT = 900.0  # beyond this the figures themselves say more
SUBJECT_LENGTH = 100  # SNS refuses a longer one


def subject(detector: Detector, group: Document, explanation: Document) -> str:
    """One line for a mail's head."""
    line = f"{group['measure']} {_verdict(group, explanation)} in {detector.name} (severity {group['score']:.0f})"
    return _ascii(line)[:SUBJECT_LENGTH]


def short_text(group: Document, explanation: Document, timezone: str) -> str:
    """One SMS."""
    what = f"{group['measure']} {_verdict(group, explanation)} {_where(explanation['dimensions'])}"
    line = f"{what}, {_time(group['start'], timezone)}, severity {group['score']:.0f}"
    return line if len(line) <= SHORT_LENGTH else line[: SHORT_LENGTH - 1] + "…"


def long_text(alert: Alert, detector: Detector, group: Document, explanation: Document, timezone: str) -> str:
    """One mail."""
    lines = [
        f"{group['measure']} {_verdict(group, explanation)}.",
        "",
        f"What:      {_figures(explanation)}",
        f"When:      {_time(group['start'], timezone)} ({timezone}); the incident began at {_time(explanation['incidentStart'], timezone)}",
        f"Where:     {_causes(explanation)}",
        f"How many:  {_count(explanation['anomalousSeries'])}",
        f"How sure:  severity {group['score']:.2f} of 100; a series that is well does this {explanation['confidence']}",
        f"Related:   {', '.join(explanation['relatedMeasures']) or 'no other measure'}",
        f"Data:      {_completeness(explanation['completeness'])}",
        "",
        *_contributions(group),
        f"Detector {detector.name}, alert {alert.name} (from severity {alert.threshold}), group {group['id']}",
    ]
    return "\n".join(lines if not alert.description else [*lines, alert.description])


def _verdict(group: Document, explanation: Document) -> str:
    if group["kind"] == "missing" or explanation["actual"] is None:
        return "did not report"
    change, side = explanation["changePercent"], "above" if group["direction"] == "up" else "below"
    if change is None:
        return f"is {side} what was expected"
    if abs(change) > LARGEST_PERCENT:
        return f"is {_number(explanation['actual'])} instead of about {_number(explanation['expected'])}"
    return f"is {abs(change):,.0f} % {side} what was expected"


def _figures(explanation: Document) -> str:
    actual = "nothing" if explanation["actual"] is None else _number(explanation["actual"])
    if explanation["expected"] is None:
        return f"{actual} {_where(explanation['dimensions'])}"
    lower, upper = explanation["lower"], explanation["upper"]
    band = "no band yet" if lower is None or upper is None else f"usually {_number(lower)} to {_number(upper)}"
    return f"{actual} {_where(explanation['dimensions'])}; expected {_number(explanation['expected'])} ({band})"


def _causes(explanation: Document) -> str:
    causes = [f"{_name(cause['dimensions'])} ({_share(cause)})" for cause in explanation["causes"]]
    return "; ".join(causes) or _name(explanation["dimensions"])


def _share(cause: Document) -> str:
    share = f"{cause['contribution']:.0f} % of the deviation"
    return f"{share}, {100 * cause['change']:+,.0f} %" if cause.get("change") else share


def _contributions(group: Document) -> list[str]:
    lines = []
    for name, shares in group["contributions"].items():
        largest = sorted(shares.items(), key=lambda pair: -pair[1])[:5]
        lines.append(f"By {name}: " + ", ".join(f"{value} {share:.0f} %" for value, share in largest if share > 0))
    return [*lines, ""] if lines else []


def _completeness(completeness: Mapping[str, Any]) -> str:
    rows, invalid = completeness.get("rows", 0), completeness.get("invalidRows", 0)
    text = f"{rows:,} rows were read" + (f", {invalid:,} were invalid" if invalid else "")
    return text if completeness.get("files", 1) else "no file arrived for this interval"


def _where(dimensions: Mapping[str, str]) -> str:
    return f"for {_name(dimensions)}"


def _name(dimensions: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in dimensions.items()) or "everything"


def _count(series: int) -> str:
    return "1 series is anomalous" if series == 1 else f"{series:,} series are anomalous"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def _time(moment: int, timezone: str) -> str:
    return datetime.fromtimestamp(moment, ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")


def _ascii(line: str) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in line)
