"""Figures about the data that a detector read: one document for its learning, one for its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from l4m.store.table import Key, Table

LEARNING, RUN = "learning", "run"


@dataclass(frozen=True)
class Quality:
    """Quality of the data of one detector and generation."""

    table: Table
    detector: str
    generation: int

    def put(self, stage: str, report: Mapping[str, Any]) -> None:
        """Keep the newest figures of a stage."""
        self.table.put(Key(self._partition, stage), dict(report))

    def reports(self) -> list[dict[str, Any]]:
        """The figures of each stage that has been."""
        return [row.document for row in self.table.query(self._partition)]

    @property
    def _partition(self) -> str:
        return f"{self.detector}#quality#{self.generation:06d}"
