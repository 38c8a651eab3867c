"""Points of a backtest on disk: spooled piece by piece while it runs, read back as series, written as one Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from l4m.engine.results import Points
from l4m.errors import Fault, InvalidInput
from l4m.sources.tables.identifiers import identifier, literal

_FIELDS = ("value", "expected", "lower", "upper", "severity", "is_anomaly")


@dataclass(frozen=True)
class Piece:
    """Consecutive intervals: where they begin, and the files of their arrays."""

    starts: NDArray[np.int64]
    stem: Path
    nodes: int

    def array(self, field: str) -> NDArray[np.float32]:
        """One field of all points, shape (measures, intervals, nodes), left on disk."""
        array: NDArray[np.float32] = np.load(f"{self.stem}.{field}.npy", mmap_mode="r")
        return array


class PointFiles:
    """The points of one backtest in a folder; nodes keep their numbers while new ones are added."""

    def __init__(self, folder: Path, measures: Sequence[str], dimensions: Sequence[str]) -> None:
        self.nodes: tuple[tuple[str, ...], ...] = ()
        self.measures = tuple(measures)
        self.dimensions = tuple(dimensions)
        self.pieces: list[Piece] = []
        self._folder = folder

    def append(self, points: Points, starts: NDArray[np.int64]) -> None:
        """Keep the points of some intervals; ``starts`` are their epoch seconds."""
        stem = self._folder / f"{len(self.pieces):05d}"
        for field in _FIELDS:
            np.save(f"{stem}.{field}.npy", getattr(points, field))
        self.pieces.append(Piece(starts, stem, len(points.nodes)))
        self.nodes = points.nodes

    def series(self, measure: int, nodes: Sequence[int], first: int, last: int) -> dict[str, NDArray[np.float64]]:
        """All fields and ``start`` of some nodes between two epoch seconds (included); arrays of shape (intervals, nodes)."""
        parts: dict[str, list[NDArray[np.float64]]] = {field: [] for field in ("start", *_FIELDS)}
        for piece in self.pieces:
            rows = np.flatnonzero((piece.starts >= first) & (piece.starts <= last))
            if not len(rows):
                continue
            parts["start"].append(piece.starts[rows].astype(np.float64))
            known = [node for node in nodes if node < piece.nodes]
            for field in _FIELDS:
                array = piece.array(field)
                full = np.full((len(rows), len(nodes)), np.nan)
                full[:, : len(known)] = array[measure, rows[0] : rows[-1] + 1][:, known]
                parts[field].append(full)
        return {field: np.concatenate(some) for field, some in parts.items()}

    def write_parquet(self, target: Path) -> int:
        """Write every point that has a value as one Parquet file; returns their number."""
        with duckdb.connect() as connection:
            self._name_nodes(connection)
            parts = [self._write_part(connection, piece, measure) for piece in self.pieces for measure in range(len(self.measures))]
            files = "[" + ", ".join(literal(str(part)) for part in parts) + "]"
            try:
                query = f"COPY (SELECT * FROM read_parquet({files})) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
                count = connection.execute(query).fetchall()
            except duckdb.Error as error:
                raise InvalidInput(Fault(str(target), f"cannot be written: {error}")) from error
        return int(count[0][0])

    def _name_nodes(self, connection: duckdb.DuckDBPyConnection) -> None:
        columns = {f"d{n}": np.array([node[n] for node in self.nodes], object) for n in range(len(self.dimensions))}
        connection.register("names", {"node": np.arange(len(self.nodes)), **columns})
        connection.execute("CREATE TABLE nodes AS SELECT * FROM names")

    def _write_part(self, connection: duckdb.DuckDBPyConnection, piece: Piece, measure: int) -> Path:
        values = piece.array("value")[measure]
        interval, node = np.nonzero(~np.isnan(values))
        columns = {field: piece.array(field)[measure][interval, node] for field in _FIELDS}
        connection.register("points", {"start": piece.starts[interval], "node": node, **columns})
        names = "".join(f"d{n} AS {identifier(name)}, " for n, name in enumerate(self.dimensions))
        numbers = ", ".join(f"CASE WHEN NOT isnan({field}) THEN {field}::DOUBLE END AS {field}" for field in _FIELDS[:-1])
        part = Path(f"{piece.stem}.{measure}.parquet")
        connection.execute(
            f"COPY (SELECT make_timestamp(start * 1000000) AS timestamp, {names}{literal(self.measures[measure])} AS measure, {numbers}, "
            f"is_anomaly FROM points JOIN nodes USING (node) ORDER BY start, node) TO {literal(str(part))} (FORMAT parquet)"
        )
        return part
