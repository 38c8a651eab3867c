"""Making known what a run found: groups, incidents, executions, and the messages that tell people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from l4m.alerts.corrections import correct
from l4m.alerts.notices import Subject, alert_notices, incident_notices, notice_id
from l4m.model import Alert
from l4m.service.runs.detector_job import Assignment
from l4m.service.runs.report import Report
from l4m.store.anomalies import Claim
from l4m.store.history import PAGE_INTERVALS, History
from l4m.store.index import IndexEntry
from l4m.store.outbox import UNDELIVERED, Message
from l4m.store.series import SeriesStore

WINDOW_INTERVALS = 28 * 24 + 1  # what ListAnomalyGroupTimeSeries shows: 28 days of hours and the anomaly's own


def publish(assignment: Assignment, claim: Claim, report: Report, history: History, series: SeriesStore) -> None:
    """Write what a run reports; repeated after a crash, it writes the same again."""
    store_groups(assignment, claim, report, history, series)
    _post_notices(assignment, report)


def forget_groups(assignment: Assignment, claim: Claim, starts: Sequence[int]) -> None:
    """Take back what was found in a time that is about to be judged again, at whatever length of intervals."""
    old = assignment.index.between(starts[0], assignment.timeline.after(starts[-1]))
    for seconds in {entry.interval_seconds for entry in old}:
        found = {entry.start for entry in old if entry.interval_seconds == seconds}
        assignment.index.replace(seconds, found, [], claim.require)
    for entry in old:
        _retract(assignment, claim, entry.group_id(assignment.detector.arn))


def is_quiet(report: Report) -> bool:
    """Whether a run found nothing that has to be published."""
    return not (report["groups"] or report["incidents"] or report["is_correction"])


def store_groups(assignment: Assignment, claim: Claim, report: Report, tail: History, series: SeriesStore) -> None:
    """Write groups and incidents; what an earlier reading of the same intervals found and this one did not, goes."""
    groups = report["groups"]
    if groups or report["is_correction"]:
        assignment.index.replace(assignment.timeline.seconds, report["starts"], list(map(_entry, groups)), claim.require)
    for identifier in report["retracted"]:
        _retract(assignment, claim, identifier)
    for start, together in groupby(sorted(groups, key=itemgetter("start")), key=itemgetter("start")):
        window = _window(assignment, start, tail, series)  # large: read once for all groups of an interval
        for group in together:
            _put_group(assignment, claim, group, window)
    for incident in _incidents(assignment, report).values():
        assignment.anomalies.put_incident(claim, incident, _groups_of(incident["id"], groups))


def _incidents(assignment: Assignment, report: Report) -> dict[str, dict[str, Any]]:
    """The incidents of a report: those that changed, and those that only have another group."""
    incidents = {incident["id"]: incident for incident in report["incidents"]}
    for identifier in {group["incident_id"] for group in report["groups"]} - incidents.keys():
        known = assignment.anomalies.incident(identifier)
        if known is not None:
            incidents[identifier] = known
    return incidents


def _retract(assignment: Assignment, claim: Claim, identifier: str) -> None:
    group = assignment.anomalies.group(identifier)
    if group is not None:
        assignment.anomalies.drop_from_incident(claim, group["incident_id"], _entry(group).position)
        assignment.anomalies.retract_group(claim, identifier)


def _put_group(assignment: Assignment, claim: Claim, group: Mapping[str, Any], window: History) -> None:
    number = [measure.name for measure in assignment.metric_set.measures].index(group["measure"])
    nodes = [tuple(one["dimensions"].get(name, "*") for name in assignment.metric_set.dimensions) for one in group["series"]]
    values = np.ascontiguousarray(window.series(number, nodes), "<f4").tobytes()
    assignment.anomalies.put_group(claim, {**group, "timestamps": window.starts.tolist()}, values)


def _window(assignment: Assignment, start: int, tail: History, series: SeriesStore) -> History:
    """The values of the intervals that end with a group's own."""
    timeline = assignment.timeline
    history = tail.until(timeline.after(start))
    page = int(tail.starts[0]) // (PAGE_INTERVALS * timeline.seconds) if tail.starts.size else 0
    while history.starts.size < WINDOW_INTERVALS:
        page -= 1
        older = series.load_page(page)
        if older is None:
            break
        history = older.until(timeline.after(start)).extend(history.starts.tolist(), history.nodes, history.values)
    return history.last(WINDOW_INTERVALS)


def _groups_of(incident_id: str, groups: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {_entry(group).position: group["score"] for group in groups if group["incident_id"] == incident_id}


def _entry(group: Mapping[str, Any]) -> IndexEntry:
    return IndexEntry(group["start"], group["interval_seconds"], group["measure"], group["score"])


def _post_notices(assignment: Assignment, report: Report) -> None:
    is_silent = not (report["groups"] or report["is_correction"])
    alerts = () if is_silent else assignment.context.resources.alerts(assignment.detector.arn)
    for alert in alerts if report["is_correction"] else ():
        _post_corrections(assignment, alert, report)
    about = Subject(assignment.detector, assignment.metric_set)
    for notice in (
        *alert_notices(about, alerts, report, _incidents(assignment, report)),
        *incident_notices(assignment.detector, report["incidents"]),
    ):
        assignment.outbox.insert(Message(notice.id, notice.kind, notice.body))


def _post_corrections(assignment: Assignment, alert: Alert, report: Report) -> None:
    scores = {group["id"]: group["score"] for group in report["groups"]}
    scores |= dict.fromkeys(report["retracted"], 0.0)
    for identifier, score in scores.items():
        first = notice_id(alert, identifier)
        sent = assignment.outbox.find(first)
        notice = correct(first, sent.body, score) if sent and sent.outcome != UNDELIVERED else None  # one that waits goes out before
        if notice is not None:
            assignment.outbox.insert(Message(notice.id, notice.kind, notice.body))
