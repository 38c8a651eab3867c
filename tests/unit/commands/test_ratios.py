"""Ratios of two columns as measures."""

import numpy as np
import pytest

from l4m.commands.arguments import parse_measures
from l4m.commands.ratios import columns_of, derive
from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.settings import Settings
from l4m.model import Aggregation, Measure


def test_a_ratio_divides_sums_and_is_unknown_where_there_is_nothing_to_divide_by() -> None:
    measures = parse_measures("revenue/views,views")
    assert measures == (Measure("revenue/views", Aggregation.AVG), Measure("views"))
    assert columns_of(measures) == (Measure("revenue"), Measure("views"))
    revenue, views = [[10.0, 5.0, np.nan, 4.0]], [[2.0, 0.0, 3.0, np.nan]]
    block = derive(Block(0, np.array([revenue, views], np.float32), [("a",)]), measures)
    assert np.array_equal(block.values[0], np.array([[5.0, np.nan, np.nan, np.nan]], np.float32), equal_nan=True)
    assert np.array_equal(block.values[1], np.array(views, np.float32), equal_nan=True)


def test_a_rollup_of_a_ratio_divides_sums_too() -> None:
    measures = parse_measures("revenue/views")
    values = np.array([[[30.0, 1.0]] * 3, [[10.0, 1.0]] * 3], np.float32)
    block = derive(Block(0, values, [("US",), ("DE",)]), measures)
    points = Monitor(Settings(3600, measures, ("country",))).observe(block, keep_points=True).points
    assert points is not None
    assert points.value[0, :, points.nodes.index(("*",))].tolist() == pytest.approx([31 / 11] * 3)


def test_plain_measures_are_left_as_they_are() -> None:
    measures = parse_measures("views,price:avg")
    block = Block(0, np.zeros((2, 1, 1), np.float32), [("a",)])
    assert derive(block, measures) is block
