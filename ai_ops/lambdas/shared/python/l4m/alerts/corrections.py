"""Taking back or correcting what an alert said, when late data tells another story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l4m.alerts.notices import SNS, Notice
from l4m.alerts.payload import event_id
from l4m.alerts.texts import SHORT_LENGTH, cut

CHANGED_BY = 5.0  # a smaller change of severity is not worth a second message


def correct(notice_id: str, sent: Mapping[str, Any], score: float) -> Notice | None:
    """What to say after an alert was sent whose group now has another score; 0 when there is no group any more."""
    before = sent["payload"]["anomalyScore"]
    if score and abs(score - before) < CHANGED_BY:
        return None
    event = f"{notice_id}#correction#{score:.2f}"
    verdict = f"late data changed its severity from {before:.0f} to {score:.0f}" if score else "late data shows that it was no anomaly"
    correction = {"previousScore": before, "previousEventId": sent["payload"]["alertEventId"], "text": verdict}
    payload = {
        **sent["payload"],
        "anomalyScore": score,
        "alertEventId": event_id(sent["alert_arn"], event),
        "correction": correction,
    }
    body = {**sent, "score": score, "payload": payload}
    if "text" in sent:
        is_short = len(sent["text"]) <= SHORT_LENGTH
        body["text"] = (
            cut(f"Correction: {verdict}. Was: {sent['text']}", SHORT_LENGTH)
            if is_short
            else f"Correction: {verdict}. It was said before:\n{sent['text']}"
        )
    if "subject" in sent:
        body["subject"] = f"Correction: {sent['subject']}"[:100]
    return Notice(event, SNS if "topic_arn" in sent else "lambda", body)
