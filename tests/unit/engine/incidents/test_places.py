"""Where an incident lives."""

import numpy as np
import pytest

from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import Rollups
from l4m.engine.incidents.places import find_places, node_of, nodes_of
from l4m.engine.settings import Settings
from l4m.model import Measure

LEAVES = [(country, device) for country in ("DE", "FR", "US") for device in ("app", "tv", "web")]
DUE = np.array([400.0, 50, 900, 300, 40, 700, 800, 90, 2_000])


@pytest.fixture(scope="module")
def index() -> HierarchyIndex:
    cube = Rollups(2, True)
    cube.add(LEAVES)
    return HierarchyIndex.of(Settings(3_600, (Measure("m"),), ("country", "device")), cube)


def first_place(index: HierarchyIndex, actual: np.ndarray, due: np.ndarray = DUE) -> tuple[tuple[int, ...], list[int]]:
    place = find_places(index, actual, due, np.maximum(due, 1))[0]
    return place.dimensions, sorted(np.asarray(place.leaves).tolist())


@pytest.mark.parametrize(
    ("leaves", "dimensions"),
    [([0, 1, 2], (0,)), ([2, 5, 8], (1,)), ([8], (0, 1)), (list(range(9)), ())],
    ids=["country", "device", "leaf", "all"],
)
def test_leaves_that_fall_by_one_share_are_one_place(index: HierarchyIndex, leaves: list[int], dimensions: tuple[int, ...]) -> None:
    actual = DUE.copy()
    actual[leaves] *= 0.5
    assert first_place(index, actual) == (dimensions, leaves)


def test_one_of_silent_leaves_that_speaks_is_the_place(index: HierarchyIndex) -> None:
    actual = np.zeros(9)
    actual[4] = 300
    assert first_place(index, actual, np.zeros(9)) == ((0, 1), [4])


def test_leaves_that_belong_elsewhere_are_left_out(index: HierarchyIndex) -> None:
    actual = DUE.copy()
    actual[[0, 1, 2]] *= 0.5
    free = np.ones(9, np.bool_)
    free[[0, 1, 2]] = False
    assert not [one for one in find_places(index, actual, DUE, DUE, free) if set(np.asarray(one.leaves).tolist()) & {0, 1, 2}]


def test_the_node_of_leaves_is_the_smallest_that_holds_them(index: HierarchyIndex) -> None:
    def node(leaves: list[int]) -> tuple[str, ...]:
        held = np.zeros(9, np.bool_)
        held[leaves] = True
        return index.nodes[node_of(index, held)]

    assert [node([3]), node([0, 1, 2]), node([0, 3]), node([0, 4])] == [("FR", "app"), ("DE", "*"), ("*", "app"), ("*", "*")]
    held = np.zeros(9, np.bool_)
    held[3] = True
    assert {index.nodes[number] for number in nodes_of(index, held)} == {("FR", "app"), ("FR", "*"), ("*", "app"), ("*", "*")}
