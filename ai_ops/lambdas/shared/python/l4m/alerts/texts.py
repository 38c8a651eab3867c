"""Alerts for people: what, since when, how much against expected, where, how sure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from l4m.alerts.explanation import Document
from l4m.errors import one_line
from l4m.model import Alert, Detector

SHORT_LENGTH = 140
LEAST_SHARE = 0.5  # per cent; less would be written as 0
LARGEST_PERCENT = 900.0  # beyond this the figures themselves say more
SUBJECT_LENGTH = 100  # SNS refuses a longer one


def subject(detector: Detector, group: Document, explanation: Document) -> str:
    """One line for a mail's head."""
    line = f"{group['measure']} {_verdict(group, explanation)} in {detector.name} (severity {group['score']:.0f})"
    return _ascii(line)[:SUBJECT_LENGTH]


def short_text(group: Document, explanation: Document, timezone: str) -> str:
    """One SMS; where there is too much to say, the place is cut short."""
    what = f"{group['measure']} {_verdict(group, explanation)} "
    start = _time(group["start"], timezone)
    began = _time(explanation["incidentStart"], timezone)
    when = f"{start}{_zone(group['start'], timezone)}" + (f" (since {began})" if began != start else "")
    rest = f", {when}, severity {group['score']:.0f}"
    place = cut(_where(explanation["dimensions"]), SHORT_LENGTH - len(what) - len(rest))
    return cut(one_line(f"{what}{place}{rest}"), SHORT_LENGTH)


def long_text(alert: Alert, detector: Detector, group: Document, explanation: Document, timezone: str) -> str:
    """One mail."""
    lines = [
        f"{group['measure']} {_verdict(group, explanation)}.",
        "",
        f"What:      {_figures(explanation)}",
        f"When:      {_time(group['start'], timezone)} ({timezone}); the incident began at {_time(explanation['incidentStart'], timezone)}",
        f"Where:     {_causes(explanation, group, timezone)}",
        f"How many:  {_count(explanation['anomalousSeries'])}",
        f"How sure:  severity {group['score']:.2f} of 100; a healthy series does this {explanation['confidence']}",
        f"Related:   {', '.join(explanation['relatedMeasures']) or 'no other measure'}",
        f"Data:      {_completeness(explanation['completeness'])}",
        "",
        *_contributions(group),
        f"Detector {detector.name}, alert {alert.name} (from severity {alert.threshold}), group {group['id']}",
    ]
    told = [one_line(line) for line in lines]  # a value that holds a line's end forges no line
    return "\n".join(told if not alert.description else [*told, alert.description])


def _verdict(group: Document, explanation: Document) -> str:
    if group["kind"] == "missing" or explanation["actual"] is None:
        return "did not report"
    change = explanation["changePercent"]
    side = "above" if group["direction"] == "up" else "below"
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
    band = "" if lower is None or upper is None else f" (usually {_number(lower)} to {_number(upper)})"
    return f"{actual} {_where(explanation['dimensions'])}; expected {_number(explanation['expected'])}{band}"


def _causes(explanation: Document, group: Document, timezone: str) -> str:
    causes = [f"{_name(cause['dimensions'])} ({_share(cause)})" for cause in explanation["causes"]]
    if not causes:
        return _name(explanation["dimensions"])
    since = "" if explanation["incidentStart"] == group["start"] else f", since {_time(explanation['incidentStart'], timezone)}"
    return "; ".join(causes) + since


def _share(cause: Document) -> str:
    share = f"{cause['contribution']:.0f} % of the deviation"
    return f"{share}, {100 * cause['change']:+,.0f} %" if cause.get("change") else share


def _contributions(group: Document) -> list[str]:
    lines = []
    for name, shares in group["contributions"].items():
        largest = sorted(shares.items(), key=lambda pair: -pair[1])[:5]
        lines.append(f"By {name}: " + ", ".join(f"{value} {share:.0f} %" for value, share in largest if share >= LEAST_SHARE))
    return [*lines, ""] if lines else []


def _completeness(completeness: Mapping[str, Any]) -> str:
    rows = completeness.get("rows", 0)
    invalid = completeness.get("invalidRows", 0)
    text = f"{rows:,} rows were read" + (f", {invalid:,} were invalid" if invalid else "")
    return text if completeness.get("files", 1) else "no file arrived for this interval"


def _where(dimensions: Mapping[str, str]) -> str:
    return f"for {_name(dimensions)}" if dimensions else "overall"


def _name(dimensions: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in dimensions.items()) or "everything"


def _count(series: int) -> str:
    return "1 series is anomalous" if series == 1 else f"{series:,} series are anomalous"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def _time(moment: int, timezone: str) -> str:
    return datetime.fromtimestamp(moment, ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")


def _zone(moment: int, timezone: str) -> str:
    """The zone's short name, if it has one of letters."""
    name = datetime.fromtimestamp(moment, ZoneInfo(timezone)).tzname() or ""
    return f" {name}" if name.isalpha() else ""


def cut(text: str, length: int) -> str:
    """The text if it fits; its end is left out otherwise."""
    return text if len(text) <= length else text[: max(0, length - 3)] + "..."


def _ascii(line: str) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in line)
