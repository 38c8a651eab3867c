"""What is enough to open an incident."""

import numpy as np
import pytest

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.settings import Settings
from l4m.model import Measure

START = 1_699_920_000
ONSET = 24 * 38 + 6
AIRPORTS = [("A",), ("B",), ("C",)]


def block_of(delays: np.ndarray, first: int, last: int | None = None) -> Block:
    return Block(START + first * 3600, delays[np.newaxis, first:last].astype(np.float32), AIRPORTS)


@pytest.fixture(scope="module")
def delays() -> np.ndarray:
    return 100 * np.exp(np.random.default_rng(5).normal(0, 0.9, (24 * 40, 3)))


@pytest.fixture(scope="module")
def learned(delays: np.ndarray) -> bytes:
    """A monitor that has seen the delays up to the onset, and found nothing in them."""
    monitor = Monitor(Settings(3600, (Measure("delay"),), ("airport",)))
    assert monitor.observe(block_of(delays, 0, ONSET)).incidents == ()
    return monitor.save()


@pytest.mark.parametrize(("hours", "found"), [(0, 0), (1, 0), (10, 1)])
def test_a_heavy_tailed_total_opens_an_incident_when_its_rise_lasts(delays: np.ndarray, learned: bytes, hours: int, found: int) -> None:
    risen = delays.copy()
    risen[ONSET : ONSET + hours] *= 5
    incidents = Monitor.load(learned).observe(block_of(risen, ONSET)).incidents
    assert [(one.direction, one.causes[0].dimensions) for one in incidents] == [("up", {})] * found


def test_the_sudden_end_of_a_slow_fall_opens_no_incident() -> None:
    hours, fall = np.arange(24 * 34), slice(24 * 30 + 6, 24 * 30 + 18)
    views = 1000 + 300 * np.sin(hours * np.pi / 12) + np.random.default_rng(5).normal(0, 40, len(hours))
    views[fall] *= np.linspace(1, 0.7, 12)
    block = Block(START, views[np.newaxis, :, np.newaxis].astype(np.float32), [("A",)])
    assert Monitor(Settings(3600, (Measure("views"),), ("shop",))).observe(block).incidents == ()


def test_leaves_that_hardly_ever_count_do_not_hide_a_rise_of_the_total() -> None:
    rates = np.full((24 * 20, 40), 0.02)
    rates[:, :8] = 3.0
    rates[24 * 18 + 6 : 24 * 18 + 9, :8] *= 4
    counts = np.random.default_rng(6).poisson(rates)[np.newaxis].astype(np.float32)
    block = Block(START, counts, [(f"{number:02}",) for number in range(40)])
    (incident,) = Monitor(Settings(3600, (Measure("cancelled"),), ("carrier",))).observe(block).incidents
    assert (incident.start, incident.direction, incident.causes[0].dimensions) == (START + (24 * 18 + 6) * 3600, "up", {})
