"""One-day holidays of a country: news until they were seen a few times."""

import numpy as np
import pytest

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.settings import Settings
from l4m.model import Measure

START, DAY = 1_699_920_000, 86_400
COUNTRIES, PLATFORMS = ("DE", "FR", "US", "JP"), ("ios", "tv", "web")
SETTINGS = Settings(DAY, (Measure("visits"), Measure("revenue")), ("market", "platform"))
SEEN = ((50, "US"), (62, "FR"), (75, "US"))  # holidays that come before
TODAY = 94


def shop(*holidays: tuple[int, str], factor: float = 0.65, sold: float | None = None) -> np.ndarray:
    """Visits and revenue of 100 days, shape (measures, days, leaves); ``sold`` is the factor of revenue, where it is another."""
    rng = np.random.default_rng(4)
    rate = np.outer(1 + 0.2 * np.sin(np.arange(100) * 2 * np.pi / 7), rng.uniform(5_000, 50_000, 12)) * rng.normal(1, 0.02, (100, 1))
    rates = np.stack([rate, 2 * rate * rng.normal(1, 0.02, rate.shape)])
    for day, country in [*SEEN, *holidays]:
        first = 3 * COUNTRIES.index(country)
        change = (factor, factor if sold is None else sold) if (day, country) in holidays else (0.65, 0.65)
        rates[:, day, first : first + 3] *= np.array(change)[:, np.newaxis]
    return np.stack([rng.poisson(rates[0]), rates[1]]).astype(np.float32)


def days_told(values: np.ndarray, monitor: Monitor | None = None, first: int = 0, markets: tuple[str, ...] = COUNTRIES) -> list[int]:
    leaves = [(market, platform) for market in markets for platform in PLATFORMS]
    found = (monitor or Monitor(SETTINGS)).observe(Block(START + first * DAY, values, leaves)).incidents
    return sorted((one.start - START) // DAY for one in found)


def test_the_first_holidays_are_told_and_the_next_is_no_news() -> None:
    assert days_told(shop((TODAY, "JP"))) == [day for day, _ in SEEN]


def test_it_is_told_where_markets_are_no_countries() -> None:
    assert TODAY in days_told(shop((TODAY, "JP")), markets=("north", "south", "east", "west"))


def test_a_rise_has_no_precedent_in_falls() -> None:
    assert TODAY in days_told(shop((TODAY, "JP"), factor=1.6))


def test_what_goes_further_than_ever_is_told() -> None:
    assert TODAY in days_told(shop((TODAY, "JP"), factor=0.45))


def test_what_lasts_is_told_on_its_second_day() -> None:
    assert days_told(shop((TODAY, "JP"), (TODAY + 1, "JP")))[-1] == TODAY + 1


@pytest.mark.parametrize("country", ["JP", "US"])
def test_a_country_that_stops_is_told_however_often_it_happened(country: str) -> None:
    often = [(day, other) for day, other in zip((80, 84, 88), ("FR", "DE", "FR"), strict=True)]
    assert days_told(shop(*often, (TODAY, country), factor=0.01))[-1] == TODAY


def test_sales_that_fall_without_visits_are_told() -> None:
    assert TODAY in days_told(shop((TODAY, "JP"), factor=1.0, sold=0.65))


def test_a_platform_that_falls_everywhere_is_told() -> None:
    values = shop()
    values[:, TODAY, 1::3] *= 0.65
    assert TODAY in days_told(values)


@pytest.mark.parametrize("cut", [60, TODAY - 1, TODAY])
def test_a_saved_monitor_remembers_them(cut: int) -> None:
    values, monitor = shop((TODAY, "JP")), Monitor(SETTINGS)
    days_told(values[:, :cut], monitor)
    assert TODAY not in days_told(values[:, cut:], Monitor.load(monitor.save()), cut)
