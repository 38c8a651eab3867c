"""What the demo tells: a table of incidents, one of alerts, and the same as JSON."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

SHOWN_CAUSES = 3


def incidents_of(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The last word on each incident, the most severe first."""
    latest: dict[str, dict[str, Any]] = {}
    for message in messages:
        if "detail" in message:
            incident = message["detail"]["incident"]
            known = latest.get(incident["id"])
            if known is None or incident["end"] >= known["end"]:
                latest[incident["id"]] = incident
    return sorted(latest.values(), key=lambda incident: -incident["severity"])


def alerts_of(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The payloads of the alerts, in the order of what they tell about."""
    return sorted((dict(message) for message in messages if "anomalyGroupId" in message), key=lambda alert: alert["timestamp"])


def incident_table(incidents: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> Table:
    """One line an incident."""
    table = Table(title="Incidents", title_justify="left")
    for name, justify in (
        ("severity", "right"),
        ("from", "left"),
        ("until", "left"),
        ("measures", "left"),
        ("series", "right"),
        ("causes (share of the deviation)", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for incident in incidents:
        table.add_row(
            f"{incident['severity']:.0f}",
            _clock(incident["start"], zone),
            _clock(incident["end"], zone),
            f"{', '.join(incident['measures'])} {'▲' if incident['direction'] == 'up' else '▼'}",
            str(incident["series"]),
            "; ".join(_cause(cause) for cause in incident["causes"][:SHOWN_CAUSES]),
        )
    return table


def alert_table(alerts: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> Table:
    """One line an alert: what was measured where, and what was expected."""
    table = Table(title="Alerts", title_justify="left")
    for name in ("time", "score", "measure", "where", "actual", "expected", "top contributors"):
        table.add_column(name, justify="right" if name in ("score", "actual", "expected") else "left", overflow="fold")
    for alert in alerts:
        explanation = alert["explanation"]
        table.add_row(
            _clock(_parse(alert["timestamp"]), zone),
            f"{alert['anomalyScore']:.0f}",
            alert["impactedMetric"]["metricName"],
            _where(explanation["dimensions"]),
            _number(explanation.get("actual")),
            _number(explanation.get("expected")),
            _contributors(alert["impactedMetric"]["dimensionContribution"]),
        )
    return table


def _contributors(contributions: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for one in contributions:
        best = max(one["dimensionValueContributions"], key=lambda value: value["valueContribution"], default=None)
        if best:
            parts.append(f"{one['dimensionName']} {best['dimensionValue']} {best['valueContribution']:.0f} %")
    return ", ".join(parts)


def _cause(cause: Mapping[str, Any]) -> str:
    return f"{_where(cause['dimensions'])} {cause['contribution']:.0f} %"


def _where(dimensions: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in dimensions.items()) or "everywhere"


def _clock(seconds: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M")


def _parse(text: str) -> float:
    return datetime.strptime(text.split("[", maxsplit=1)[0], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC).timestamp()


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
