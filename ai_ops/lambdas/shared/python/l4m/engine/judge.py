"""The judge: presence, evidence and daily sums of the nodes of a hierarchy; it knows of no incident but by what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.state import put_under, take_from
from l4m.engine.drift.drift import Drift
from l4m.engine.evidence.accounts import Accounts, Kinds
from l4m.engine.evidence.evidence import Evidence, Signs
from l4m.engine.evidence.presence import REGULAR, Presence
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.seasonality.seasons import Moment, Seasons
from l4m.engine.settings import Settings

YOUNG_DAYS, YOUNG_OF_DAYS = 2, 7  # for which nothing is due of a new leaf of a monitor that is ready
MOST_LEAVES = 4_096  # whose evidence adds up, beside all rollups; of others single intervals count
LARGEST = np.float32(1e15)  # sums and their squares stay finite in float32
PARTS = ("presence", "evidence", "drift")

Array = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Observation:
    """One interval of all nodes; arrays of shape (nodes, measures).

    Attributes
    ----------
    accounts : what came
    due : accounts of what the seasons expect; NaN where they do not know
    seen : points seen of every series before
    is_new : of which nothing is due
    masked : shape (leaves, measures), where incidents are open; None if none is
    """

    moment: Moment
    kinds: Kinds
    accounts: Accounts
    due: Array
    seen: Array
    is_new: Bools
    masked: Bools | None = None


@dataclass(frozen=True)
class Judgement:
    """What is said of an interval: accounts that came and that were due, where both are known, and the signs of the tracked nodes."""

    value: Array
    due: Array
    known: Bools
    signs: Signs


class Judge:
    """Judges every interval, and then learns it.

    All nodes have a presence; rollups and the first ``MOST_LEAVES`` leaves are tracked, so that their evidence adds up.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        seasons, self._measures = Seasons.of(settings), len(settings.measures)
        self._is_daily = seasons.is_daily
        self.young = YOUNG_OF_DAYS if seasons.is_daily else YOUNG_DAYS * seasons.per_day
        self.presence = blank_presence(settings)
        self.evidence = Evidence(settings)
        self.drift = Drift(self._measures)
        self.tracked: Ints = np.zeros(0, np.int64)  # numbers of nodes, ascending
        self.places: Ints = np.zeros(0, np.int64)  # of every node among the tracked, -1 for the others
        self._today: Array | None = None  # what came of tracked nodes, since the day began

    def grow(self, index: HierarchyIndex) -> None:
        """Make room for nodes that have appeared."""
        self._index, nodes = index, len(index.nodes)
        is_tracked = np.ones(nodes, np.bool_)
        is_tracked[index.leaf_nodes[MOST_LEAVES:]] = False
        self.tracked = np.flatnonzero(is_tracked)
        self.places = np.full(nodes, -1, np.int64)
        self.places[self.tracked] = np.arange(len(self.tracked))
        self.presence.grow(nodes)
        self.evidence.grow(index, self.tracked)
        self.drift.grow(len(self.tracked))
        if self._today is not None:
            self._today = np.pad(self._today, ((0, len(self.tracked) - len(self._today)), (0, 0)))

    def judge(self, seen: Observation) -> Judgement:
        """Judge an interval."""
        kinds, rows, due = seen.kinds, self._rows, seen.due
        value = seen.accounts.value(kinds)
        known = np.isfinite(due)
        due = np.where(known, due, np.float32(0))
        known &= (seen.seen >= self.young) | seen.is_new
        known &= (seen.accounts.weights > 0) | kinds.is_sum
        due[rows] = self.evidence.expect(seen.moment, due[rows], kinds.is_positive)
        due[seen.is_new] = 0
        silent = self._find_silence(seen)
        self._explained = None
        if seen.masked is not None:
            self._explained, held = self._explain(seen.masked, value, due, known)
            if silent is not None:
                silent[held] = 0
        quiet = None if silent is None or not silent.any() else silent
        signs = self.evidence.judge(seen.moment, kinds, value[rows], due[rows], known[rows], explained=self._explained, silent=quiet)
        return Judgement(value, due, known, signs)

    @property
    def _rows(self) -> Ints | slice:
        """Return what picks the tracked of all nodes."""
        return slice(None) if len(self.tracked) == len(self.places) else self.tracked

    def _find_silence(self, seen: Observation) -> Array | None:
        """Return -log10 of the chance of the silence of tracked series that should have reported; None if there are none."""
        rows, reported = self._rows, seen.accounts.reported[self._rows]
        if seen.moment.holiday or bool(reported.all()):
            return None
        share = self.presence.share(row_of(seen.moment, self._is_daily), rows)
        is_due = ~reported & (share >= REGULAR) & (seen.seen[rows] > self.young) & ~seen.kinds.is_weighted
        if not is_due.any():
            return None
        return np.where(is_due, -np.log10(self.presence.chance(share, rows)), np.float32(0)).astype(np.float32)

    def _explain(self, masked: Bools, value: Array, due: Array, known: Bools) -> tuple[Array, Bools]:
        """Return what incidents add to the tracked nodes, and which of them hold a leaf of one."""
        leaves = self._index.leaf_nodes
        gone = np.where(masked & known[leaves], value[leaves] - due[leaves], 0)
        sums = self._index.add_up(np.concatenate([gone, masked], axis=1).astype(np.float32))[self._rows]
        return sums[:, : self._measures], sums[:, self._measures :] > 0

    def learn(self, seen: Observation, judgement: Judgement, masked: Bools | None = None) -> None:
        """Learn the interval that was judged; ``masked`` says where incidents are open now, None if none is and none was."""
        self.evidence.learn(seen.kinds, judgement.signs, None if masked is None else self._find_open(seen.masked, masked))
        counts: bool | Bools = seen.moment.holiday == 0
        if counts and masked is not None:
            counts = np.ones(judgement.value.shape, np.bool_)
            counts[self._index.leaf_nodes] = ~masked
        self.presence.learn(row_of(seen.moment, self._is_daily), seen.accounts.reported, counts)
        self._add_to_day(seen.moment, judgement.signs)

    def _find_open(self, before: Bools | None, now: Bools) -> Bools:
        """Return where an incident goes on, of tracked nodes: of a rollup only where one has just opened, since others are explained."""
        touched = now if before is None else now | before
        if before is None or bool((now & ~before).any()):
            return self._index.add_up(touched.astype(np.float32))[self._rows] > 0
        is_open = np.zeros((len(self.places), self._measures), np.bool_)
        is_open[self._index.leaf_nodes] = touched
        return is_open[self._rows]

    def _add_to_day(self, moment: Moment, signs: Signs) -> None:
        """Add an interval to its day, incidents as what was due; a day whose begin was not seen does not count."""
        if moment.begins_day:
            self._today = np.zeros(signs.value.shape, np.float32)
        if self._today is None:
            return
        self._today += self.evidence.clean
        if moment.ends_day:
            self.drift.end_day(self._today)
            self._today = None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        arrays: dict[str, NDArray[Any]] = {} if self._today is None else {"today": self._today}
        for name in PARTS:
            arrays |= put_under(f"{name}.", getattr(self, name).to_arrays())
        return arrays

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned; what is about other parts is left alone."""
        for name in PARTS:
            part = take_from(f"{name}.", arrays)
            if part:
                getattr(self, name).restore(part)
        self._today = arrays.get("today")


def blank_presence(settings: Settings) -> Presence:
    """Return a presence in which nothing has been seen."""
    return Presence(7 if Seasons.of(settings).is_daily else 168, len(settings.measures))


def row_of(moment: Moment, is_daily: bool) -> int:
    """Return the row of an interval in a presence."""
    return moment.weekday if is_daily else moment.hour_of_week


def find_closed(presence: Presence, row: int, absent: Bools, rows: Any, *, has_begun: Bools, is_sum: Bools) -> Bools:
    """Return which absences of leaves count as zero, because the series, once begun, does not report at this hour as a rule.

    ``rows`` are the leaves' places in the presence; other arrays have the shape (leaves, measures), ``is_sum`` (measures,).
    """
    if not absent.any():
        return np.zeros(absent.shape, np.bool_)
    return np.asarray(absent & (presence.share(row, rows) < REGULAR) & has_begun & is_sum)


def clip_usual(usual: Array, is_positive: Bools) -> Array:
    """Return what the seasons expect, within what can be added up; never less than 0 where nothing ever was."""
    least = np.where(is_positive, np.float32(0), -LARGEST)
    return np.asarray(np.clip(usual, least, LARGEST))
