"""A detector that learns again: what it found before, and what it finds now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from l4m.model import DetectorStatus, Frequency
from l4m.service.queries import anomalies, quality
from l4m.service.resources.detectors import DetectorChange, update_detector


def groups_of(world: Any) -> tuple[Any, ...]:
    """All groups, as a caller reads them: page by page."""
    groups: list[Any] = []
    after = None
    while True:
        page = anomalies.survey_groups(world.context, world.arn, 0, 2, after)[0]
        groups += page.items
        after = page.next
        if after is None:
            return tuple(groups)


def test_what_was_found_stays_listed_when_the_detector_is_activated_again(world: Any) -> None:
    world.learn()
    for hour in range(4):
        world.put_live(hour, factor=0.05 if hour == 2 else 1.0)
        world.run(hour)
    before = groups_of(world)
    assert {group.start for group in before} == {world.live(2)}
    world.move(DetectorStatus.INACTIVE)
    assert groups_of(world) == before
    world.context = replace(world.context, now=world.live(4) + timedelta(minutes=10))
    world.move(DetectorStatus.ACTIVATING, 2)
    world.do("learn", generation=2)
    assert groups_of(world) == before
    for hour in range(4, 7):
        world.put_live(hour, factor=0.05 if hour == 6 else 1.0)
        world.run(hour)
    after = groups_of(world)
    assert after[-len(before) :] == before
    assert {group.start for group in after} == {world.live(6), world.live(2)}
    assert [group.start for group in after] == sorted((group.start for group in after), reverse=True)
    for group in after:
        assert anomalies.get_group(world.context, world.arn, group.id).summary == group
        assert anomalies.list_series(world.context, world.arn, group.id, group.measure, limit=1, after=None).timestamps[-1] == group.start
    statistics = anomalies.survey_groups(world.context, world.arn, 0, 1, None)[1]
    assert (statistics.total, statistics.evaluation_start) == (len(after), world.live(0))
    assert len({mail["anomalyGroupId"] for mail in world.mails()}) == len([group for group in after if group.score >= 40])


def test_what_was_found_stays_listed_when_the_interval_is_another(world: Any) -> None:
    world.learn()
    for hour in range(4):
        world.put_live(hour, factor=0.05 if hour == 2 else 1.0)
        world.run(hour)
    before, statistics = groups_of(world), anomalies.survey_groups(world.context, world.arn, 0, 1, None)[1]
    world.move(DetectorStatus.INACTIVE)
    update_detector(world.context, world.arn, DetectorChange(frequency=Frequency.P1D))
    world.move(DetectorStatus.ACTIVATING, 2)
    world.do("learn", generation=2)
    assert world.detector.status in {DetectorStatus.LEARNING, DetectorStatus.ACTIVE}
    assert groups_of(world) == before
    assert anomalies.survey_groups(world.context, world.arn, 0, 1, None)[1] == statistics
    for group in before:
        assert anomalies.get_group(world.context, world.arn, group.id).summary == group
        related = anomalies.list_related(world.context, world.arn, group.id, None, limit=9, after=None).items
        assert {one.group_id for one in related} <= {one.id for one in before}


def test_a_backtest_at_another_interval_replaces_what_was_found_in_its_time(world: Any) -> None:
    starts = [world.history_hour(0) + timedelta(minutes=10 * number) for number in range(6 * 300)]
    bad = 6 * 280
    outage = world.csv(starts[bad : bad + 12], dict.fromkeys(world.us, 5.0)).partition("\n")[2]
    world.put("history/all.csv", world.csv(starts[:bad]) + outage + world.csv(starts[bad + 12 :]).partition("\n")[2])
    found: list[set[str]] = []
    for generation, frequency in enumerate((Frequency.PT10M, Frequency.PT1H), start=1):
        update_detector(world.context, world.arn, DetectorChange(frequency=frequency))
        world.move(DetectorStatus.BACK_TEST_ACTIVATING, generation)
        world.do("backtest", generation=generation)
        found.append({group.id for group in groups_of(world)})
    assert all(found)
    assert not found[0] & found[1]
    world.move(DetectorStatus.DELETING, 2)
    world.do("delete")
    assert [world.contents()[kind] for kind in ("rows", "objects")] == [{}, {}]


def test_a_repeated_backtest_takes_back_what_it_does_not_find_again(world: Any) -> None:
    bad = world.history_hours - 40
    for generation, factor in ((1, 0.1), (2, 1.0)):
        hours = [world.history_hour(hour) for hour in range(world.history_hours)]
        outage = world.csv([hours[bad]], dict.fromkeys(world.us, factor)).partition("\n")[2]
        world.put("history/all.csv", world.csv(hours[:bad]) + outage + world.csv(hours[bad + 1 :]).partition("\n")[2])
        world.move(DetectorStatus.BACK_TEST_ACTIVATING, generation)
        world.do("backtest", generation=generation)
        assert (world.history_hour(bad) in {group.start for group in groups_of(world)}) == (generation == 1)
    kept = [key for key in world.contents()["objects"] if key.endswith(".f32")]
    assert len(kept) == len(groups_of(world))
    assert all(any(group.id in key for key in kept) for group in groups_of(world))


def test_quality_is_told_of_the_last_activation_alone(world: Any) -> None:
    world.learn()
    world.put_live(0)
    world.run(0)
    learned, _ = quality.quality_reports(world.context, world.arn, None)
    world.move(DetectorStatus.ACTIVATING, 2)
    world.do("learn", generation=2)
    assert quality.quality_reports(world.context, world.arn, None) == (learned,)
    world.put_live(1)
    world.run(1)
    assert [report.start for report in quality.quality_reports(world.context, world.arn, None)] == [learned.start, world.live(0)]
