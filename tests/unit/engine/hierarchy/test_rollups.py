"""Rollups are the sums and means of their leaves, bounded in number, and never renumbered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l4m.engine.hierarchy import rollups
from l4m.engine.hierarchy.rollups import ANY, Rollups
from l4m.model import Aggregation

LEAVES = [(a, b, c) for a in "uv" for b in "xyz" for c in "pq"]


def members(node, leaves):
    return [i for i, leaf in enumerate(leaves) if all(value in (ANY, own) for value, own in zip(node, leaf, strict=True))]


@given(st.integers(0, 2**31), st.floats(0, 0.9), st.sampled_from(list(Aggregation)))
def test_every_node_is_what_adding_up_its_leaves_gives(seed, gaps, aggregation):
    rng = np.random.default_rng(seed)
    values = np.where(rng.uniform(size=(5, len(LEAVES))) < gaps, np.nan, rng.integers(0, 1000, (5, len(LEAVES)))).astype(np.float32)
    cube = Rollups(3, enabled=True)
    cube.add(LEAVES)
    combined = cube.combine(values, aggregation)
    for number, node in enumerate(cube.nodes):
        part = values[:, members(node, LEAVES)]
        seen = ~np.isnan(part)
        total = np.nansum(part, axis=1) if aggregation is Aggregation.SUM else np.nansum(part, axis=1) / np.maximum(seen.sum(1), 1)
        np.testing.assert_allclose(combined[:, number], np.where(seen.any(1), total, np.nan), rtol=1e-5)


def test_an_average_weighs_its_leaves_and_a_leaf_that_did_not_report_weighs_nothing():
    cube = Rollups(2, enabled=True)
    cube.add([("US", "web"), ("US", "tv"), ("DE", "web")])
    values, weights = np.array([[0.5, 0.2, np.nan]], np.float32), np.array([[300, 100, 900]], np.float32)
    combined = dict(zip(cube.nodes, cube.combine(values, Aggregation.AVG, weights)[0].tolist(), strict=True))
    assert combined[ANY, ANY] == combined["US", ANY] == pytest.approx((0.5 * 300 + 0.2 * 100) / 400)
    assert np.isnan(combined["DE", ANY])
    sums = cube.combine(values, Aggregation.SUM, weights)
    assert sums[0, cube.nodes.index(("US", ANY))] == pytest.approx(0.7)


def test_total_one_and_two_dimensions_are_rolled_up_and_no_node_appears_twice():
    cube = Rollups(3, enabled=True)
    cube.add(LEAVES)
    assert len(cube.nodes) == len(set(cube.nodes)) == 1 + (2 + 3 + 2) + (6 + 4 + 6) + 12


def test_without_rollups_or_dimensions_there_are_leaves_only():
    for cube, leaves in ((Rollups(3, enabled=False), LEAVES), (Rollups(0, enabled=True), [()])):
        cube.add(leaves)
        assert cube.nodes == leaves


def test_new_leaves_leave_the_numbers_of_old_nodes_alone():
    cube = Rollups(3, enabled=True)
    cube.add(LEAVES[:5])
    before = list(cube.nodes)
    cube.add(LEAVES[5:])
    assert cube.nodes[: len(before)] == before


def test_a_dimension_of_too_many_values_gets_no_rollups_beyond_the_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollups, "CUBOID_NODES", 3)
    cube = Rollups(2, enabled=True)
    cube.add([(str(user), "web") for user in range(10)])
    assert [node for node in cube.nodes if node[1] == ANY] == [(ANY, ANY), ("0", ANY), ("1", ANY), ("2", ANY)]
    np.testing.assert_array_equal(cube.combine(np.ones((1, 10), np.float32), Aggregation.SUM)[0, :4], [10, 1, 10, 1])
