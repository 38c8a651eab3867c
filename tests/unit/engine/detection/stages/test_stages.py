"""Every stage, found by name: keeps length, survives gaps and constants, never looks ahead, never changes its input."""

import pkgutil

import numpy as np
import pytest
from tests.unit.engine.detection.detection_series import START, settings, traffic

from l4m.engine.detection import stages
from l4m.engine.detection.decay import DecayRates
from l4m.engine.detection.scores import Scores
from l4m.engine.detection.stages import STAGES
from l4m.engine.detection.state import DetectorState
from l4m.engine.detection.step import Step
from l4m.engine.detection.workspace import Workspace
from l4m.engine.seasonality.seasons import Seasons

INTERVALS = 80
NAMES = [module.name for module in pkgutil.iter_modules(stages.__path__)]
MODULES = [stage.__module__.rpartition(".")[2] for stage in STAGES]


def hard_values(seed: int = 3) -> np.ndarray:
    """Counts beside gaps, a constant, zeros, nothing at all, huge and negative values."""
    values = traffic(days=4, series=8, seed=seed)[:INTERVALS]
    values[20:40, 0] = np.nan
    values[:, 1], values[:, 2], values[:, 3] = 7, 0, np.nan
    values[:, 4] *= 1e12
    values[:, 5] *= -1
    values[::2, 6] = np.nan
    values[:50, 7] = np.nan
    return values


def blank_room(series: int) -> Workspace:
    workspace = Workspace.of(series)
    for array in (workspace.errors, workspace.costs, workspace.gain, *workspace.scratch):
        array.fill(0)
    workspace.deviations.fill(0)
    return workspace


Arrays = list[dict[str, np.ndarray]]


def run_stages(values: np.ndarray) -> list[Arrays]:
    """Run all stages over the values; return, for each stage, every array of each point as that stage leaves it."""
    chosen = settings()
    seasons = Seasons(chosen)
    rates, state, seen = DecayRates.of(seasons), DetectorState.blank(seasons.rows, values.shape[1]), [[] for _ in STAGES]
    with np.errstate(all="ignore"):
        for i, row in enumerate(values):
            said = Scores.blank(len(row))
            for array in (said.expected, said.error, said.usual, said.severity):
                array.fill(7)
            workspace = blank_room(len(row))
            step = Step(row, seasons.moment(START + i * 3600), chosen, rates, 3.9, said, workspace, draws_bands=True)
            for stage, arrays in zip(STAGES, seen, strict=True):
                stage(step, state)
                filled = {name: getattr(step, name) for name in Step.__slots__ if hasattr(step, name)} | vars(said) | vars(workspace)
                arrays.append({name: value.copy() for name, value in filled.items() if isinstance(value, np.ndarray)})
    assert all(np.isfinite(array).all() for array in state.arrays().values())
    return seen


@pytest.fixture(scope="module")
def seen() -> list[Arrays]:
    """The arrays that each stage leaves of hard values."""
    return run_stages(hard_values())


@pytest.fixture(scope="module")
def seen_of_another_future() -> list[Arrays]:
    """The same of values that differ from the sixtieth interval on."""
    values = hard_values()
    values[60:] = values[60:] * 50 + 1
    return run_stages(values)


@pytest.fixture(params=NAMES)
def place(request: pytest.FixtureRequest) -> int:
    """The place of each stage among all of them."""
    return MODULES.index(request.param)


def test_every_module_is_a_stage_and_every_stage_a_module() -> None:
    assert sorted(NAMES) == sorted(MODULES)


def test_stage_keeps_length(seen: list[Arrays], place: int) -> None:
    for arrays in seen[place]:
        assert {array.shape[-1] for name, array in arrays.items() if name not in ("open", "held")} == {8}


def test_stage_never_changes_its_input(seen: list[Arrays], place: int) -> None:
    for arrays, row in zip(seen[place], hard_values(), strict=True):
        np.testing.assert_array_equal(arrays["values"], row)


def test_stage_never_looks_ahead(seen: list[Arrays], seen_of_another_future: list[Arrays], place: int) -> None:
    for mine, theirs in zip(seen[place][:60], seen_of_another_future[place][:60], strict=True):
        for name in mine:
            np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


def test_stage_survives_gaps_and_constants(seen: list[Arrays], place: int) -> None:
    for arrays in seen[place]:
        for name, array in arrays.items():
            if name not in ("values", "severity"):
                assert np.isfinite(array).all(), name
