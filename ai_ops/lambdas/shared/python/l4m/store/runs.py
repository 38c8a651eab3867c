"""How far each detector has come: the pointer, which moves last, and one record per interval that was run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from l4m.errors import Conflict
from l4m.store.formats import read_fields, unknown_fields
from l4m.store.table import Key, KeyTakenError, Table

LATEST = 10**12 - 1  # sort keys count down from here, so that the newest interval comes first


@dataclass(frozen=True)
class Pointer:
    """Where a detector of one generation stands; whoever moves it first, wins.

    ``next`` is the first interval that was not run, ``state_key`` the state after the one before; ``checkpoints``
    are the states that late data can go back to, by the ``next`` of their time; ``seen`` are the fingerprints of the
    files that recent intervals were read from; ``failures`` counts attempts at ``next`` that failed, ``deaths`` those
    that the function did not survive; ``quality`` says what the data was like that was read last; ``unknown`` is what a
    later version keeps beside all that.
    """

    next: int
    state_key: str
    is_published: bool = False
    seen: Mapping[str, str] = field(default_factory=dict)
    checkpoints: tuple[tuple[int, str], ...] = ()
    failures: int = 0
    deaths: int = 0
    quality: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """The pointer as the table keeps it."""
        document = asdict(self)
        return {**document.pop("unknown"), **document}


@dataclass(frozen=True)
class ExecutionRecord:
    """What became of one interval; ``status`` is an AnomalyDetectionTaskStatus."""

    start: int
    status: str
    reason: str | None = None


@dataclass(frozen=True)
class Runs:
    """Pointer and executions of one detector."""

    table: Table
    detector: str
    generation: int

    def pointer(self) -> Pointer | None:
        """The pointer of this generation, None before it has learned."""
        row = self.table.get(self._pointer_key)
        if row is None:
            return None
        pointer = read_fields(Pointer, row.document, checkpoints=lambda listed: tuple((moment, key) for moment, key in listed))
        return replace(pointer, unknown=unknown_fields(Pointer, row.document))

    def move(self, old: Pointer | None, new: Pointer) -> Pointer:
        """Put ``new`` in the place of ``old``; raises Conflict when another run was faster."""
        moved = replace(new, version=old.version + 1 if old else 1)
        try:
            if old is None:
                self.table.add(self._pointer_key, moved.to_document())
            elif not self.table.replace(self._pointer_key, moved.to_document(), old.version):
                raise KeyTakenError
        except KeyTakenError as error:
            raise Conflict(f"another run of {self.detector} was faster", "AnomalyDetector", self.detector) from error
        return moved

    def require(self, pointer: Pointer) -> None:
        """Raise Conflict unless the pointer still is what it was."""
        row = self.table.get(self._pointer_key)
        if row is None or row.version != pointer.version:
            raise Conflict(f"another run of {self.detector} was faster", "AnomalyDetector", self.detector)

    def record(self, executions: Iterable[ExecutionRecord]) -> None:
        """Keep what became of intervals; the newest word on an interval counts."""
        for one in executions:
            self.table.put(self._execution_key(one.start), asdict(one))

    def execution(self, start: int) -> ExecutionRecord | None:
        """The record of one interval."""
        row = self.table.get(self._execution_key(start))
        return read_fields(ExecutionRecord, row.document) if row else None

    def executions(self, after: str | None = None) -> Iterator[tuple[str, ExecutionRecord]]:
        """Positions and records, newest interval first."""
        for row in self.table.query(f"{self.detector}#execution", after=after):
            yield row.sort, read_fields(ExecutionRecord, row.document)

    def describe_learning(self, figures: Mapping[str, Any]) -> None:
        """Keep the data quality of what was learned."""
        self.table.put(Key(f"{self.detector}#learning", f"{self.generation:010d}"), dict(figures))

    def learning(self) -> dict[str, Any] | None:
        """The data quality of what was learned."""
        row = self.table.get(Key(f"{self.detector}#learning", f"{self.generation:010d}"))
        return row.document if row else None

    def _execution_key(self, start: int) -> Key:
        return Key(f"{self.detector}#execution", f"{LATEST - start:012d}")

    @property
    def _pointer_key(self) -> Key:
        return Key(f"{self.detector}#run", f"{self.generation:010d}")
