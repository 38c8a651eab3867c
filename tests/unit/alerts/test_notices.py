"""What is told: the payload's keys, the texts, the events."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from l4m.alerts.corrections import correct
from l4m.alerts.notices import Subject, alert_notices, incident_notices
from l4m.alerts.texts import SHORT_LENGTH
from l4m.model import Alert, Detector, LambdaTarget, MetricSet, SnsTarget
from l4m.store.table import LARGEST_DOCUMENT


@pytest.fixture
def tell(detector: Detector, metric_set: MetricSet, group: dict[str, Any], incident: dict[str, Any]) -> Any:
    """The notices that alerts make of the group."""

    def notices(*alerts: Alert, about: dict[str, Any] = group) -> list[Any]:
        report = {"groups": [about], "completeness": {"files": 1, "rows": 1200, "invalidRows": 3}}
        return list(alert_notices(Subject(detector, metric_set), alerts, report, {incident["id"]: incident}))

    return notices


def text_of(alert: Alert, form: str, tell: Any, **more: Any) -> str:
    assert isinstance(alert.target, SnsTarget)
    (notice,) = tell(replace(alert, target=replace(alert.target, format=form)), **more)
    return str(notice.body["text"])


def test_the_payload_has_every_key_that_readers_of_the_old_service_parse(alert: Alert, tell: Any, group: dict[str, Any]) -> None:
    (notice,) = tell(alert)
    payload = json.loads(json.dumps(notice.body["payload"]))
    assert payload["anomalyDetectorArn"].endswith(":AnomalyDetector:flights")
    assert payload["anomalyScore"] == 91.52
    assert payload["anomalyGroupId"] == group["id"]
    assert payload["alertName"] == "pager"
    assert payload["alertDescription"] == "Call the duty manager"
    prefix, _, event = payload["alertEventId"].partition(":event/")
    assert prefix == payload["alertArn"] == alert.arn
    assert str(UUID(event)) == event
    assert payload["timestamp"] == "2013-02-08T21:00Z[UTC]"
    assert payload["correlationId"] == "flights"
    assert payload["consoleUrl"].startswith("https://")
    impacted = payload["impactedMetric"]
    assert impacted["metricName"] == "cancelled"
    assert impacted["dimensionContribution"][0] == {
        "dimensionName": "origin",
        "dimensionValueContributions": [
            {"dimensionValue": "EWR", "valueContribution": 60.5},
            {"dimensionValue": "JFK", "valueContribution": 34.5},
            {"dimensionValue": "LGA", "valueContribution": 5.0},
        ],
    }
    assert impacted["relevantTimeSeries"][0] == {
        "timeSeriesId": "ab" * 64,
        "dimensions": [{"dimensionName": "origin", "dimensionValue": "EWR"}],
        "metricValue": 44.0,
    }


def test_the_explanation_says_what_was_expected_and_since_when(alert: Alert, tell: Any) -> None:
    (notice,) = tell(alert)
    explanation = notice.body["payload"]["explanation"]
    assert explanation["dimensions"] == {"origin": "EWR"}
    assert (explanation["actual"], explanation["expected"], explanation["lower"], explanation["upper"]) == (44.0, 10.0, 0.0, 25.0)
    assert explanation["incidentStart"] == "2013-02-08T18:00Z[UTC]"
    assert explanation["relatedMeasures"] == ["delay_minutes"]
    assert explanation["completeness"] == {"files": 1, "rows": 1200, "invalidRows": 3}


def test_the_same_group_is_told_under_the_same_id_and_two_alerts_are_two_events(alert: Alert, tell: Any) -> None:
    other = replace(alert, name="mail", arn=alert.arn.replace("pager", "mail"))
    first, second = tell(alert, other)
    assert tell(alert)[0] == first
    assert first.id != second.id
    assert first.body["payload"]["alertEventId"] != second.body["payload"]["alertEventId"]


def test_a_long_text_answers_what_when_how_much_where_and_how_sure(alert: Alert, tell: Any) -> None:
    text = text_of(alert, "LONG_TEXT", tell)
    assert "cancelled is 340 % above what was expected" in text
    assert "44 for origin=EWR; expected 10 (usually 0 to 25)" in text
    assert "2013-02-08 16:00 (America/New_York); the incident began at 2013-02-08 13:00" in text
    assert "origin=EWR (61 % of the deviation, +340 %)" in text
    assert "severity 91.52 of 100" in text
    assert "1,200 rows were read, 3 were invalid" in text
    assert "By origin: EWR 60 %, JFK 34 %, LGA 5 %" in text
    assert "Call the duty manager" in text


@pytest.mark.parametrize("dimensions", [10, 50])
def test_an_alert_on_the_largest_metric_set_is_small_enough_to_be_sent(
    alert: Alert, tell: Any, group: dict[str, Any], dimensions: int
) -> None:
    names = [f"{number:02d}{'n' * 61}" for number in range(dimensions)]
    series = {**group["series"][0], "dimensions": dict.fromkeys(names, "v" * 60)}
    shares = {name: {f"{number:04d}{'v' * 60}": 0.1 for number in range(1000)} for name in names}
    (notice,) = tell(
        replace(alert, target=replace(alert.target, format="LONG_TEXT")),
        about={**group, "series": [series] * 1000, "contributions": shares},
    )
    assert len(json.dumps(notice.body["payload"])) < 256_000
    assert len(notice.body["text"]) < 256_000
    assert len(json.dumps(notice.body)) < LARGEST_DOCUMENT
    assert len(notice.body["payload"]["impactedMetric"]["dimensionContribution"]) == dimensions


def test_a_short_text_fits_one_sms(alert: Alert, tell: Any, group: dict[str, Any]) -> None:
    text = text_of(alert, "SHORT_TEXT", tell)
    assert text == "cancelled is 340 % above what was expected for origin=EWR, 2013-02-08 16:00 EST (since 2013-02-08 13:00), severity 92"
    assert len(text_of(alert, "SHORT_TEXT", tell, about={**group, "measure": "m" * 200})) == SHORT_LENGTH
    far = [{**one, "dimensions": {"origin": "E" * 99}} for one in group["series"]]
    long = text_of(alert, "SHORT_TEXT", tell, about={**group, "series": far})
    assert len(long) == SHORT_LENGTH
    assert long.endswith("EEE..., 2013-02-08 16:00 EST (since 2013-02-08 13:00), severity 92")


@pytest.mark.parametrize("form", ["SHORT_TEXT", "LONG_TEXT"])
def test_a_value_that_holds_a_lines_end_forges_no_line(alert: Alert, tell: Any, group: dict[str, Any], form: str) -> None:
    forged = [{**one, "dimensions": {"origin": "EWR\nHow sure:  nothing to see\x1b[2J\u2028"}} for one in group["series"]]
    text = text_of(alert, form, tell, about={**group, "series": forged})
    assert not any(line.startswith("How sure:  nothing") for line in text.splitlines())
    assert all(letter.isprintable() for line in text.split("\n") for letter in line)
    assert text.count("\n") == text_of(alert, form, tell).count("\n")


def test_a_cause_that_hardly_shows_in_a_later_group_is_not_its_headline(alert: Alert, tell: Any, group: dict[str, Any]) -> None:
    total = {**group["series"][1], "value": 900.0}
    text = text_of(alert, "LONG_TEXT", tell, about={**group, "series": [group["series"][0], total]})
    assert "900 overall; expected 10" in text
    assert "origin=EWR (61 % of the deviation, +340 %), since 2013-02-08 13:00" in text


def test_a_feed_that_fell_silent_is_told_as_such(alert: Alert, tell: Any, group: dict[str, Any]) -> None:
    silent = {**group, "kind": "missing", "direction": "down", "series": [{**one, "value": None} for one in group["series"]]}
    assert "cancelled did not report" in text_of(alert, "LONG_TEXT", tell, about=silent)


def test_figures_speak_where_a_percentage_would_not(alert: Alert, tell: Any, group: dict[str, Any]) -> None:
    huge = {**group, "series": [{**one, "value": 472.0} for one in group["series"]]}
    assert "cancelled is 472 instead of about 10" in text_of(alert, "LONG_TEXT", tell, about=huge)


def test_a_function_gets_the_payload(alert: Alert, tell: Any) -> None:
    target = LambdaTarget(alert.target.role_arn, "arn:aws:lambda:us-east-1:123456789012:function:pager")
    (notice,) = tell(replace(alert, target=target))
    assert notice.kind == "lambda"
    assert notice.body["function_arn"] == target.function_arn
    assert notice.body["payload"]["alertName"] == "pager"


def test_every_change_of_an_incident_is_an_event_of_its_own(detector: Detector, incident: dict[str, Any]) -> None:
    changes = [{**incident, "change": change} for change in ("opened", "changed", "closed")]
    notices = list(incident_notices(detector, changes))
    assert [notice.body["detail_type"] for notice in notices] == [f"Anomaly Incident {word}" for word in ("Opened", "Changed", "Closed")]
    assert len({notice.id for notice in notices}) == 3
    assert notices[0].body["detail"]["incident"]["causes"] == incident["causes"]
    assert json.dumps([notice.body for notice in notices])


@pytest.mark.parametrize(("score", "said"), [(91.0, None), (88.0, None), (70.0, "from 92 to 70"), (0.0, "no anomaly")])
def test_a_correction_is_sent_when_it_matters(alert: Alert, tell: Any, score: float, said: str | None) -> None:
    (notice,) = tell(replace(alert, target=replace(alert.target, format="LONG_TEXT")))
    corrected = correct(notice.id, notice.body, score)
    (sms,) = tell(replace(alert, target=replace(alert.target, format="SHORT_TEXT")))
    short = correct(sms.id, sms.body, score)
    if said is None:
        assert corrected is None
        return
    assert corrected is not None
    assert short is not None
    assert said in corrected.body["text"]
    assert said in short.body["text"]
    assert len(short.body["text"]) <= SHORT_LENGTH
    assert corrected.body["payload"]["anomalyScore"] == score
    assert corrected.body["payload"]["correction"]["previousEventId"] == notice.body["payload"]["alertEventId"]
    assert corrected.id != notice.id


def test_an_alert_has_the_figures_of_its_incident(alert: Alert, tell: Any, group: dict[str, Any], incident: dict[str, Any]) -> None:
    figures = {"actual": 412.0, "expected": 103.0, "relative_change": 3.0}
    incident.update(measures=[group["measure"], "delay_minutes"], **figures)
    (notice,) = tell(alert)
    explanation = notice.body["payload"]["explanation"]
    assert {name: explanation[name] for name in ("dimensions", "actual", "expected", "lower", "changePercent")} == {
        "dimensions": {"origin": "EWR"},
        "actual": 412.0,
        "expected": 103.0,
        "lower": None,
        "changePercent": 300.0,
    }
    incident["measures"].reverse()  # the figures are of the first measure: of another, the group's own series speaks
    (other,) = tell(alert)
    assert other.body["payload"]["explanation"]["actual"] != 412.0
