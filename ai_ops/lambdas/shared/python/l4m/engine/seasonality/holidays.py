"""Days that are not like others: holidays and days the user named, and dates on which months and quarters turn."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache

EVE = 0.5  # how much of a holiday the days before and after it are


EDGE, MIDDLE = 3, 15  # days at either end of a month that may be special, and the day in its middle
DATES = 2 * EDGE + 3  # rows of arrays by date: those, and the first and last day of a quarter


def special_dates(day: date) -> tuple[int, ...]:
    """Return the rows of a day in arrays by date, the most special first.

    >>> special_dates(date(2024, 2, 29)), special_dates(date(2024, 3, 31)), special_dates(date(2024, 3, 12))
    ((3,), (8, 3), ())
    """
    left = monthrange(day.year, day.month)[1] - day.day
    if day.day == MIDDLE:
        return (2 * EDGE,)
    if day.day <= EDGE:
        return (DATES - 2, 0) if day.day == 1 and day.month % 3 == 1 else (day.day - 1,)
    if left < EDGE:
        return (DATES - 1, EDGE) if left == 0 and day.month % 3 == 0 else (EDGE + left,)
    return ()


@lru_cache(maxsize=64)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """Return the public holidays of an ISO 3166 country in a year, observed days included.

    >>> date(2013, 7, 4) in public_holidays("US", 2013)
    True
    """
    import holidays  # noqa: PLC0415 - half a second that only detectors with a calendar pay

    return frozenset(holidays.country_holidays(country, years=year).keys())


def has_calendar(country: str) -> bool:
    """Return whether the holidays of an ISO 3166 country are known."""
    from holidays import list_supported_countries  # noqa: PLC0415 - the same

    return country in list_supported_countries()


class Calendar:
    """Says how much of a holiday a day is.

    Parameters
    ----------
    country : str or None
        ISO 3166 code of the country whose public holidays count.
    special_days : tuple of date
        Further days.

    Examples
    --------
    >>> calendar = Calendar("US", ())
    >>> calendar.holiday(date(2013, 11, 28)), calendar.holiday(date(2013, 11, 29)), calendar.holiday(date(2013, 11, 20))
    (1.0, 0.5, 0.0)
    """

    def __init__(self, country: str | None, special_days: tuple[date, ...]) -> None:
        self._country, self._special = country, frozenset(special_days)

    def holiday(self, day: date) -> float:
        """Return 1 on a holiday, ``EVE`` on its neighbours, 0 on other days."""
        if self._country is None and not self._special:
            return 0.0
        if self._is_off(day):
            return 1.0
        return EVE if self._is_off(day - timedelta(days=1)) or self._is_off(day + timedelta(days=1)) else 0.0

    def _is_off(self, day: date) -> bool:
        return day in self._special or (self._country is not None and day in public_holidays(self._country, day.year))
