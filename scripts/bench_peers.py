"""Detectors that a user would pick instead, each a function from one series to a causal anomaly score per point of its second half.

A score is only compared with other scores of the same detector; higher means more anomalous. NaN: not scored.
"""

import logging
import warnings
from collections.abc import Callable

import numpy as np

Series = tuple[np.ndarray, np.ndarray, int]  # epoch seconds, values, seconds of the interval
DAY, WEEK = 86_400, 604_800
REFIT = WEEK  # forecasters are fitted anew every week, on the weeks before
HISTORY = 4032  # points that a forecaster learns from: two weeks at 5 minutes; more takes it minutes a fit
LONGEST_SEASON = 500  # points; MSTL takes minutes for a week at 5 minutes


def score_band(series: Series) -> np.ndarray:
    """A band as CloudWatch draws it: mean and deviation of the same time of the week, faded over two weeks, beside the recent level."""
    times, values, interval = series
    slots = max(1, WEEK // interval)
    place = (times // interval) % slots
    mean, spread, seen = np.zeros(slots), np.zeros(slots), np.zeros(slots, int)
    level, scale = values[0], np.nanstd(values[:50]) + 1e-9
    out = np.full(len(values), np.nan)
    for n, (slot, value) in enumerate(zip(place, values, strict=True)):
        expected = mean[slot] if seen[slot] >= 2 else level
        width = max(np.sqrt(spread[slot]) if seen[slot] >= 2 else 0.0, 0.3 * scale) + 1e-9
        out[n] = abs(value - expected) / width
        rate = 1 / min(seen[slot] + 1, 3)
        spread[slot] += rate * ((value - mean[slot]) ** 2 * (1 - rate) - spread[slot])
        mean[slot] += rate * (value - mean[slot])
        seen[slot] += 1
        scale += 0.01 * (abs(value - level) - scale)
        level += 0.3 * (value - level)
    return out


def score_forest(series: Series) -> np.ndarray:
    """AWS's Robust Random Cut Forest as in the package rrcf: 20 trees of 256 points, shingles of four."""
    import rrcf  # noqa: PLC0415 - each peer is slow to import

    _, values, _ = series
    np.random.seed(0)
    shingles = np.lib.stride_tricks.sliding_window_view(np.nan_to_num(values), 4)
    trees = [rrcf.RCTree() for _ in range(20)]
    begin = max(0, len(values) // 2 - 300)
    out = np.full(len(values), np.nan)
    for n in range(begin, len(shingles)):
        total = 0.0
        for tree in trees:
            if n - begin >= 256:
                tree.forget_point(n - 256)
            tree.insert_point(shingles[n], index=n)
            total += tree.codisp(n)
        out[n + 3] = total / len(trees)
    return out


def score_mstl(series: Series) -> np.ndarray:
    """statsforecast: MSTL with an AutoETS trend, a day's season and at 1 hour a week's, forecasting a week at a time."""
    from statsforecast.models import MSTL, AutoETS  # noqa: PLC0415

    def forecast(times: np.ndarray, values: np.ndarray, ahead: np.ndarray, interval: int) -> tuple[np.ndarray, np.ndarray]:
        seasons = [length for length in (DAY // interval, WEEK // interval) if 1 < length <= min(len(values) // 2, LONGEST_SEASON)]
        model = MSTL(season_length=seasons, trend_forecaster=AutoETS(model="ZZN")) if seasons else AutoETS(model="ZZN")
        found = model.forecast(y=values, h=len(ahead), fitted=True)
        return found["mean"], np.full(len(ahead), _spread(values - found["fitted"]))

    return _forecasts(series, forecast)


def score_prophet(series: Series) -> np.ndarray:
    """Prophet with its defaults, forecasting a week at a time; distance counted in half widths of its interval."""
    import pandas as pd  # noqa: PLC0415
    from prophet import Prophet  # noqa: PLC0415

    def forecast(times: np.ndarray, values: np.ndarray, ahead: np.ndarray, interval: int) -> tuple[np.ndarray, np.ndarray]:
        model = Prophet(uncertainty_samples=200)
        model.fit(pd.DataFrame({"ds": pd.to_datetime(times, unit="s"), "y": values}))
        found = model.predict(pd.DataFrame({"ds": pd.to_datetime(ahead, unit="s")}))
        return found["yhat"].to_numpy(), ((found["yhat_upper"] - found["yhat_lower"]) / 2.56).to_numpy()

    return _forecasts(series, forecast)


def _forecasts(series: Series, forecast: Callable[..., tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    times, values, interval = series
    out, middle = np.full(len(values), np.nan), len(values) // 2
    begin = middle
    while begin < len(values):
        end = int(np.searchsorted(times, times[begin] + REFIT))
        known = slice(max(0, begin - HISTORY), begin)
        expected, spread = forecast(times[known], values[known].astype(float), times[begin:end], interval)
        out[begin:end] = np.abs(values[begin:end] - expected) / np.maximum(spread, 1e-9)
        begin = end
    return out


def _spread(residuals: np.ndarray) -> float:
    return float(1.4826 * np.nanmedian(np.abs(residuals))) + 1e-9


def silence() -> None:
    """Keep the peers' own messages out of the answer."""
    warnings.simplefilter("ignore")
    for name in ("cmdstanpy", "prophet", "statsforecast"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


PEERS: dict[str, Callable[[Series], np.ndarray]] = {
    "band by hour of week (CloudWatch-like)": score_band,
    "statsforecast MSTL + AutoETS": score_mstl,
    "Prophet": score_prophet,
    "Robust Random Cut Forest (rrcf)": score_forest,
}
