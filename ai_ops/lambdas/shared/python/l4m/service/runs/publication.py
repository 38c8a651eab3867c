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
from l4m.service.runs.detector_job import DetectorJob
from l4m.service.runs.report import Report
from l4m.store.anomalies import FencingToken
from l4m.store.history import PAGE_INTERVALS, History
from l4m.store.index import IndexEntry
from l4m.store.outbox import UNDELIVERED, Message
from l4m.store.series import SeriesStore

WINDOW_INTERVALS = 28 * 24 + 1  # what ListAnomalyGroupTimeSeries shows: 28 days of hours and the anomaly's own


def publish(job: DetectorJob, token: FencingToken, report: Report, history: History, series: SeriesStore) -> None:
    """Write what a run reports; repeated after a crash, it writes the same again."""
    store_groups(job, token, report, history, series)
    _post_notices(job, report)


def forget_groups(job: DetectorJob, token: FencingToken, starts: Sequence[int]) -> None:
    """Take back what was found in a time that is about to be judged again, at whatever length of intervals."""
    old = job.index.between(starts[0], job.timeline.after(starts[-1]))
    for seconds in {entry.interval_seconds for entry in old}:
        found = {entry.start for entry in old if entry.interval_seconds == seconds}
        job.index.replace(seconds, found, [], token.require)
    for entry in old:
        _retract(job, token, entry.group_id(job.detector.arn))


def is_quiet(report: Report) -> bool:
    """Whether a run found nothing that has to be published."""
    return not (report["groups"] or report["incidents"] or report["is_correction"])


def store_groups(job: DetectorJob, token: FencingToken, report: Report, tail: History, series: SeriesStore) -> None:
    """Write groups and incidents; what an earlier reading of the same intervals found and this one did not, goes."""
    groups = report["groups"]
    if groups or report["is_correction"]:
        job.index.replace(job.timeline.seconds, report["starts"], list(map(_entry, groups)), token.require)
    for identifier in report["retracted"]:
        _retract(job, token, identifier)
    for start, together in groupby(sorted(groups, key=itemgetter("start")), key=itemgetter("start")):
        window = _window(job, start, tail, series)  # large: read once for all groups of an interval
        for group in together:
            _put_group(job, token, group, window)
    for incident in _incidents(job, report).values():
        job.anomalies.put_incident(token, incident, _groups_of(incident["id"], groups))


def _incidents(job: DetectorJob, report: Report) -> dict[str, dict[str, Any]]:
    """The incidents of a report: those that changed, and those that only have another group."""
    incidents = {incident["id"]: incident for incident in report["incidents"]}
    for identifier in {group["incident_id"] for group in report["groups"]} - incidents.keys():
        known = job.known_incident(identifier)
        if known is not None:
            incidents[identifier] = known
    return incidents


def _retract(job: DetectorJob, token: FencingToken, identifier: str) -> None:
    group = job.known_group(identifier)
    if group is not None:
        job.anomalies.drop_from_incident(token, group["incident_id"], _entry(group).position)
        job.anomalies.retract_group(token, identifier)


def _put_group(job: DetectorJob, token: FencingToken, group: Mapping[str, Any], window: History) -> None:
    number = [measure.name for measure in job.metric_set.measures].index(group["measure"])
    nodes = [tuple(one["dimensions"].get(name, "*") for name in job.metric_set.dimensions) for one in group["series"]]
    values = np.ascontiguousarray(window.series(number, nodes), "<f4").tobytes()
    job.anomalies.put_group(token, {**group, "timestamps": window.starts.tolist()}, values)


def _window(job: DetectorJob, start: int, tail: History, series: SeriesStore) -> History:
    """The values of the intervals that end with a group's own."""
    timeline = job.timeline
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


def _post_notices(job: DetectorJob, report: Report) -> None:
    is_silent = not (report["groups"] or report["is_correction"])
    alerts = () if is_silent else job.context.resources.alerts(job.detector.arn)
    for alert in alerts if report["is_correction"] else ():
        _post_corrections(job, alert, report)
    about = Subject(job.detector, job.metric_set)
    for notice in (
        *alert_notices(about, alerts, report, _incidents(job, report)),
        *incident_notices(job.detector, report["incidents"]),
    ):
        job.outbox.insert(Message(notice.id, notice.kind, notice.body))


def _post_corrections(job: DetectorJob, alert: Alert, report: Report) -> None:
    scores = {group["id"]: group["score"] for group in report["groups"]}
    scores |= dict.fromkeys(report["retracted"], 0.0)
    for identifier, score in scores.items():
        first = notice_id(alert, identifier)
        sent = job.outbox.find(first)
        notice = correct(first, sent.body, score) if sent and sent.outcome != UNDELIVERED else None  # one that waits goes out before
        if notice is not None:
            job.outbox.insert(Message(notice.id, notice.kind, notice.body))
