"""Cron, rate and one-time schedules, fired with the event times of a replay."""

import calendar
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from moto.events.models import events_backends
from moto.scheduler.models import scheduler_backends

from localaws.delivery import envelope

if TYPE_CHECKING:
    from localaws.cloud import Cloud

MONTHS = {calendar.month_abbr[number].upper(): number for number in range(1, 13)}
DAYS = {calendar.day_abbr[(number - 2) % 7].upper(): number for number in range(1, 8)}
UNITS = {"minute": 1, "hour": 60, "day": 1440}
IDLE_SECONDS = 300.0


@dataclass(frozen=True)
class Cron:
    """AWS's six fields; None stands for any."""

    minutes: frozenset[int] | None
    hours: frozenset[int] | None
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None
    years: frozenset[int] | None
    last_day: bool = False

    def matches(self, local: datetime) -> bool:
        """Whether the schedule is due in this minute of its own timezone."""
        weekday = local.isoweekday() % 7 + 1
        wanted = (
            (self.minutes, local.minute),
            (self.hours, local.hour),
            (self.months, local.month),
            (self.weekdays, weekday),
            (self.years, local.year),
        )
        if any(allowed is not None and value not in allowed for allowed, value in wanted):
            return False
        if self.last_day:
            return (local + timedelta(days=1)).day == 1
        return self.days is None or local.day in self.days


@lru_cache(maxsize=256)
def parse_cron(text: str) -> Cron:
    """Parse ``cron(...)``; raises ValueError naming the field that is wrong or not supported."""
    fields = text.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != 6:
        raise ValueError(f"{text}: six fields are needed")
    minute, hour, day, month, weekday, year = fields
    return Cron(
        _values(minute, 0, 59, {}),
        _values(hour, 0, 23, {}),
        None if day == "L" else _values(day, 1, 31, {}),
        _values(month, 1, 12, MONTHS),
        _values(weekday, 1, 7, DAYS),
        _values(year, 1970, 2199, {}),
        day == "L",
    )


def _values(field: str, low: int, high: int, names: dict[str, int]) -> frozenset[int] | None:
    if field in ("*", "?"):
        return None
    found: set[int] = set()
    for part in field.upper().split(","):
        parsed = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", part)
        if not parsed:
            raise ValueError(f"cron field {field} is not supported")
        first = low if parsed[1] == "*" else names.get(parsed[1]) or int(parsed[1])
        last = names.get(parsed[2]) or int(parsed[2]) if parsed[2] else high if parsed[3] or parsed[1] == "*" else first
        found |= set(range(first, last + 1, int(parsed[3] or 1)))
    return frozenset(found)


def is_due(expression: str, minute: datetime, zone: str) -> bool:
    """Whether ``cron(...)``, ``rate(...)`` (counted from 1970) or ``at(...)`` falls into this UTC minute."""
    if expression.startswith("cron("):
        return parse_cron(expression).matches(minute.astimezone(ZoneInfo(zone)))
    if found := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        return int(minute.timestamp() // 60) % (int(found[1]) * UNITS[found[2]]) == 0
    if found := re.fullmatch(r"at\((.+)\)", expression):
        at = datetime.fromisoformat(found[1]).replace(tzinfo=ZoneInfo(zone))
        return at.astimezone(UTC).replace(second=0) == minute
    raise ValueError(f"schedule {expression} is not known")


class Clock:
    """Fires every enabled rule and schedule that is due."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud

    def fire(self, start: datetime, end: datetime) -> int:
        """Fire all that is due in [start, end), minute by minute, idle in between; return how many events."""
        fired = 0
        for minute in _minutes(start, end):
            due = self._fire_rules(minute) + self._fire_schedules(minute)
            if due and (left := self._cloud.activity.wait_idle(IDLE_SECONDS)):
                raise TimeoutError(f"still busy {IDLE_SECONDS:.0f} s after {minute.isoformat()}: {left}")
            fired += due
        return fired

    def _fire_rules(self, minute: datetime) -> int:
        fired = 0
        place = self._cloud.place
        for bus in list(events_backends[place.account][place.region].event_buses.values()):
            for rule in list(bus.rules.values()):
                if rule.state != "ENABLED" or not rule.scheduled_expression or not is_due(rule.scheduled_expression, minute, "UTC"):
                    continue
                head = {**envelope(self._cloud, minute), "source": "aws.events", "detail-type": "Scheduled Event"}
                self._cloud.delivery.to_targets(rule, {**head, "resources": [rule.arn], "detail": {}})
                fired += 1
        return fired

    def _fire_schedules(self, minute: datetime) -> int:
        fired = 0
        place = self._cloud.place
        for group in list(scheduler_backends[place.account][place.region].schedule_groups.values()):
            for schedule in list(group.schedules.values()):
                if schedule.state == "ENABLED" and is_due(schedule.schedule_expression, minute, schedule.schedule_expression_timezone):
                    self._cloud.delivery.send(schedule.target, self._input(schedule, minute), "scheduler.amazonaws.com", schedule.arn)
                    fired += 1
        return fired

    def _input(self, schedule: Any, minute: datetime) -> str:
        text = schedule.target.get("Input")
        if text is None:
            head = {**envelope(self._cloud, minute), "source": "aws.scheduler", "detail-type": "Scheduled Event"}
            return json.dumps({**head, "resources": [schedule.arn], "detail": "{}"})
        values = {
            "schedule-arn": schedule.arn,
            "scheduled-time": minute.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "execution-id": self._cloud.new_id(),
            "attempt-number": "1",
        }
        return re.sub(r"<aws\.scheduler\.([a-z-]+)>", lambda found: values.get(found[1], found[0]), text)


def _minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every whole minute in [start, end), in UTC."""
    minute = start.astimezone(UTC)
    if minute.second or minute.microsecond:
        minute = minute.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while minute < end:
        yield minute
        minute += timedelta(minutes=1)
