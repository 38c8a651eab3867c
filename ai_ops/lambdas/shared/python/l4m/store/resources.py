"""Detectors, metric sets, alerts and feedback in the table."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from l4m.answers import FeedbackRecord, Page
from l4m.arns import ALERT, DETECTOR, METRIC_SET, name_of
from l4m.errors import Conflict, NotFound, QuotaExceeded, shorten
from l4m.model import Alert, Detector, DetectorStatus, FailureType, MetricSet
from l4m.store import documents, keys
from l4m.store.table import Documents, Key, KeyTakenError, RequirementFailedError, Table

Resource = TypeVar("Resource", bound=Detector | MetricSet | Alert)
Watched = tuple[Detector, MetricSet | None]
_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    keys.DETECTORS: documents.to_detector,
    keys.METRIC_SETS: documents.to_metric_set,
    keys.ALERTS: documents.to_alert,
}


class Resources:
    """Every read is current; every change is made on what was read, or not at all."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def detector(self, arn: str) -> Detector:
        """The detector of that ARN."""
        return self._read(keys.detector_key(arn), DETECTOR, arn)  # type: ignore[no-any-return]

    def metric_set(self, arn: str) -> MetricSet:
        """The metric set of that ARN."""
        return self._read(keys.metric_set_key(arn), METRIC_SET, arn)  # type: ignore[no-any-return]

    def alert(self, arn: str) -> Alert:
        """The alert of that ARN."""
        return self._read(keys.alert_key(arn), ALERT, arn)  # type: ignore[no-any-return]

    def metric_sets(self, detector_arn: str) -> tuple[MetricSet, ...]:
        """What a detector watches: one metric set, or none yet."""
        row = self._table.get(keys.metric_set_key(detector_arn))
        return (documents.to_metric_set(row.document),) if row else ()

    def watched(self, detector_arn: str) -> Watched:
        """A detector and its metric set, None if it has none yet, in one call."""
        rows = self._table.get_many((keys.detector_key(detector_arn), keys.metric_set_key(detector_arn)))
        found = {row.partition: _READERS[row.partition](row.document) for row in rows}
        if keys.DETECTORS not in found:
            raise NotFound(DETECTOR, detector_arn)
        return _same(found[keys.DETECTORS], DETECTOR, detector_arn), found.get(keys.METRIC_SETS)

    def alerts(self, detector_arn: str) -> tuple[Alert, ...]:
        """The alerts of a detector."""
        return tuple(alert for alert in self._all(keys.ALERTS) if alert.detector_arn == detector_arn)

    def count_detectors(self) -> int:
        """How many detectors there are."""
        return sum(1 for _ in self._table.query(keys.DETECTORS))

    def page(self, partition: str, limit: int, after: str | None, is_wanted: Callable[[Any], bool] = lambda _: True) -> Page[Any]:
        """Up to ``limit`` wanted resources of a partition of ``keys``, in the order of their names."""
        found = list(islice(filter(is_wanted, self._all(partition, after)), limit + 1))
        kept = found[:limit]
        return Page(tuple(kept), name_of(kept[-1].arn) if len(found) > limit else None)

    def add_detector(self, detector: Detector) -> None:
        """Keep a new detector; its name must be free."""
        try:
            self._table.insert(keys.detector_key(detector.arn), documents.to_document(detector))
        except KeyTakenError as error:
            raise Conflict(f"a detector named {detector.name!r} exists already", DETECTOR, detector.arn) from error

    def add_metric_set(self, metric_set: MetricSet) -> None:
        """Keep the metric set of an existing detector; it can have one."""
        key = keys.metric_set_key(metric_set.arn)
        try:
            self._insert(key, metric_set)
        except KeyTakenError as error:
            row = self._table.get(key)
            if row and row.document["name"] == metric_set.name:
                raise Conflict(f"a metric set named {metric_set.name!r} exists already", METRIC_SET, metric_set.arn) from error
            raise QuotaExceeded("metric sets per detector", 1) from error

    def add_alert(self, alert: Alert) -> None:
        """Keep a new alert of an existing detector; its name must be free."""
        try:
            self._insert(keys.alert_key(alert.arn), alert)
        except KeyTakenError as error:
            raise Conflict(f"an alert named {alert.name!r} exists already", ALERT, alert.arn) from error

    def change(self, resource: Resource, edit: Callable[[Resource], Resource]) -> Resource:
        """Replace a resource by what ``edit`` makes of its current state; ``edit`` may be called again when others write too."""
        key, kind = _place(resource)
        read = _READERS[key.partition]

        def edit_document(document: dict[str, Any]) -> dict[str, Any]:
            before = _same(read(document), kind, resource.arn)
            return documents.edited(document, before, edit(before))

        changed = self._table.change(key, edit_document)
        if changed is None:
            raise NotFound(kind, resource.arn)
        return read(changed)  # type: ignore[no-any-return]

    def change_watched(self, arn: str, edit: Callable[[Detector, MetricSet | None], Watched]) -> Watched:
        """Replace a detector and its metric set, None if it has none, by what ``edit`` makes of both as they stand together."""

        def edit_documents(found: Documents) -> Documents:
            if found[0] is None:
                raise NotFound(DETECTOR, arn)
            detector = _same(documents.to_detector(found[0]), DETECTOR, arn)
            before = (detector, documents.to_metric_set(found[1]) if found[1] else None)
            return tuple(map(_edited, found, before, edit(*before)))

        detector, metric_set = self._table.change_together((keys.detector_key(arn), keys.metric_set_key(arn)), edit_documents)
        if detector is None:
            raise NotFound(DETECTOR, arn)
        return documents.to_detector(detector), documents.to_metric_set(metric_set) if metric_set else None

    def move_detector(
        self,
        arn: str,
        generation: int,
        status: DetectorStatus,
        *,
        allowed: Collection[DetectorStatus],
        now: datetime,
        failure_type: FailureType | None = None,
        failure_reason: str | None = None,
    ) -> Detector:
        """Bring a detector into another state, if it still is of that generation and in one of the ``allowed`` states."""

        def edit(current: Detector) -> Detector:
            _require_order(current, generation, allowed)
            reason = shorten(failure_reason) if failure_reason else None
            return replace(current, status=status, failure_type=failure_type, failure_reason=reason, modified=now)

        return self.change(self.detector(arn), edit)

    def require_detector(self, arn: str, generation: int, allowed: Collection[DetectorStatus]) -> None:
        """Raise Conflict unless a detector still is of that generation and in one of the ``allowed`` states."""
        _require_order(self.detector(arn), generation, allowed)

    def remove_alert(self, arn: str) -> None:
        """Forget an alert."""
        self._table.delete(_place(self.alert(arn))[0])

    def feedback(self, detector_arn: str) -> tuple[FeedbackRecord, ...]:
        """What users said last about each series of a detector."""
        newest: dict[str, FeedbackRecord] = {}
        for row in self._table.query(keys.feedback_partition(detector_arn)):
            record = documents.to_feedback(row.document)
            known = newest.get(record.series.id)
            if known is None or known.created <= record.created:
                newest[record.series.id] = record
        return tuple(newest.values())

    def group_feedback(self, detector_arn: str, group_id: str, limit: int, after: str | None) -> Page[FeedbackRecord]:
        """What users said about the series of one group, in the order of the series' ids."""
        place = f"{group_id}#{after}" if after is not None else None
        rows = list(islice(self._table.query(keys.feedback_partition(detector_arn), f"{group_id}#", place), limit + 1))
        records = tuple(documents.to_feedback(row.document) for row in rows[:limit])
        return Page(records, records[-1].series.id if len(rows) > limit else None)

    def series_feedback(self, detector_arn: str, group_id: str, series_id: str) -> Page[FeedbackRecord]:
        """What a user said about one series of a group: one record, or none."""
        row = self._table.get(keys.feedback_key(detector_arn, group_id, series_id))
        return Page((documents.to_feedback(row.document),) if row else ())

    def put_feedback(self, detector_arn: str, record: FeedbackRecord) -> None:
        """Keep what a user said; it replaces what was said about that series of that group before."""
        self._table.put(keys.feedback_key(detector_arn, record.group_id, record.series.id), documents.to_document(record))

    def paging_secret(self) -> bytes:
        """What seals the tokens of lists; made when it is first needed, the same for every process."""
        key = Key("setting", "paging-secret")
        row = self._table.get(key)
        if row is None:
            with suppress(KeyTakenError):
                self._table.insert(key, {"secret": secrets.token_hex(32)})
            row = self._table.get(key)
        if row is None:
            raise Conflict("the secret of page tokens cannot be kept; try again")
        return bytes.fromhex(row.document["secret"])

    def purge(self, detector_arn: str) -> None:
        """Forget a detector and what belongs to it; the detector itself goes last, so that a purge cut short can be repeated."""
        for row in self._table.query(keys.feedback_partition(detector_arn)):
            self._table.delete(Key(keys.feedback_partition(detector_arn), row.sort))
        for alert in self.alerts(detector_arn):
            self._table.delete(keys.alert_key(alert.arn))
        self._table.delete(keys.metric_set_key(detector_arn))
        self._table.delete(keys.detector_key(detector_arn))

    def _all(self, partition: str, after: str | None = None) -> Iterator[Any]:
        return (_READERS[partition](row.document) for row in self._table.query(partition, after=after))

    def _read(self, key: Key, kind: str, arn: str) -> Any:
        row = self._table.get(key)
        if row is None:
            raise NotFound(kind, arn)
        return _same(_READERS[key.partition](row.document), kind, arn)

    def _insert(self, key: Key, resource: MetricSet | Alert) -> None:
        owner = keys.detector_key(resource.detector_arn)
        try:
            self._table.insert(key, documents.to_document(resource), owner, unless_status=DetectorStatus.DELETING)
        except RequirementFailedError as error:
            raise NotFound(DETECTOR, resource.detector_arn) from error


def _edited(document: dict[str, Any] | None, before: Any, after: Any) -> dict[str, Any] | None:
    """What a document becomes when a resource changes, comes into being, or is not there."""
    if after is None:
        return None
    return documents.to_document(after) if document is None else documents.edited(document, before, after)


def _place(resource: Detector | MetricSet | Alert) -> tuple[Key, str]:
    if isinstance(resource, Detector):
        return keys.detector_key(resource.arn), DETECTOR
    if isinstance(resource, MetricSet):
        return keys.metric_set_key(resource.arn), METRIC_SET
    return keys.alert_key(resource.arn), ALERT


def _require_order(detector: Detector, generation: int, allowed: Collection[DetectorStatus]) -> None:
    if detector.generation != generation or detector.status not in allowed:
        message = f"detector {detector.name!r} is {detector.status} in generation {detector.generation} and has taken another order"
        raise Conflict(message, DETECTOR, detector.arn)


def _same(resource: Any, kind: str, arn: str) -> Any:
    """The resource, if it is the one that the ARN names: another account's or region's is not."""
    if resource.arn != arn:
        raise NotFound(kind, arn)
    return resource
