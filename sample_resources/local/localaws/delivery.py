"""Events on their way: from rules, schedules, S3 and failed functions to the targets they name."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.events.models import EventTemplateParser, events_backends
from moto.s3.models import s3_backends

from localaws.functions import Settings

if TYPE_CHECKING:
    from localaws.cloud import Cloud

log = logging.getLogger(__name__)
SOURCES = {"aws:s3": "s3.amazonaws.com", "aws:sns": "sns.amazonaws.com"}


class Delivery:
    """Hands events to Lambda, SQS, SNS, Step Functions and buses, each with the right that AWS asks for."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self.refused: list[str] = []

    def emit(self, source: str, detail_type: str, detail: Mapping[str, Any], resources: list[str]) -> None:
        """Send an AWS service's own event to the default bus."""
        event = {
            **envelope(self._cloud, datetime.now(UTC)),
            "source": source,
            "detail-type": detail_type,
            "resources": resources,
            "detail": dict(detail),
        }
        backend = events_backends[self._cloud.place.account][self._cloud.place.region]
        for rule in list(backend.event_buses["default"].rules.values()):
            self.through_rule(rule, event)

    def through_rule(self, rule: Any, event: Mapping[str, Any]) -> None:
        """Deliver an event to an enabled rule's targets if its pattern matches."""
        if rule.state == "ENABLED" and rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event):
            self.to_targets(rule, event)

    def to_targets(self, rule: Any, event: Mapping[str, Any]) -> None:
        """Deliver an event to all targets of a rule."""
        for target in rule.targets:
            self.send(target, _as_input(target, event), "events.amazonaws.com", rule.arn)

    def send(self, target: Mapping[str, Any], payload: str, service: str, source_arn: str) -> None:
        """Deliver one payload to one target; what the target refuses goes to its dead-letter queue."""
        arn = target["Arn"]
        role = target.get("RoleArn")
        dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn")
        try:
            self._hand_over(arn, role, payload, service, source_arn)
        except Exception as error:
            log.exception("event from %s not delivered to %s", source_arn, arn)
            self.refused.append(f"{source_arn} -> {arn}: {error}")
            if dead_letters:
                self._bury(dead_letters, role, payload, service, {"ERROR_MESSAGE": str(error)[:256] or "-", "RULE_ARN": source_arn})

    def _bury(self, queue: str, role: str | None, payload: str, service: str, attributes: dict[str, str]) -> None:
        """Put an event that was not delivered into its dead-letter queue, if that lets the service in."""
        try:
            self._permit("sqs:SendMessage", queue, service, attributes["RULE_ARN"], role)
            self._cloud.enqueue(queue, payload, attributes)
        except Exception as error:
            log.exception("dead letter not accepted by %s", queue)
            self.refused.append(f"{attributes['RULE_ARN']} -> {queue}: {error}")

    def _hand_over(self, arn: str, role: str | None, payload: str, service: str, source_arn: str) -> None:
        kind = arn.split(":")[2]
        if kind == "lambda":
            self._permit("lambda:InvokeFunction", arn, service, source_arn, role)
            self._cloud.submit(self._cloud.settings(arn), payload.encode())
        elif kind == "sqs":
            self._permit("sqs:SendMessage", arn, service, source_arn, role)
            self._cloud.enqueue(arn, payload, {})
        elif kind == "sns":
            self._permit("sns:Publish", arn, service, source_arn, role)
            self._cloud.client("sns").publish(TopicArn=arn, Message=payload)
        elif kind == "states":
            if role is None:
                raise PermissionError(f"{service} needs a role to start {arn}")
            self._cloud.require_trust(role, service)
            self._cloud.client("stepfunctions", role).start_execution(stateMachineArn=arn, name=self._cloud.new_id(), input=payload)
        elif kind == "events":
            self._to_bus(arn, payload)
        else:
            raise NotImplementedError(f"target {arn}")

    def to_function(self, settings: Settings, event: dict[str, Any]) -> None:
        """Deliver an event that moto itself makes (S3, SNS) to a function; moto hides errors, so they are kept here."""
        try:
            self._to_listener(settings, event)
        except Exception as error:
            log.exception("event for %s", settings.name)
            self.refused.append(f"event -> {settings.arn}: {error}")

    def _to_listener(self, settings: Settings, event: dict[str, Any]) -> None:
        record = (event.get("Records") or [{}])[0]
        name = record.get("eventSource") or record.get("EventSource") or ""
        service = SOURCES.get(name, "")
        source_arn = ""
        if name == "aws:s3":
            source_arn = record["s3"]["bucket"]["arn"]
            self._complete(record)
        elif name == "aws:sns":
            source_arn = record["Sns"].get("TopicArn", "")
        if service and not self._cloud.guard.service_may(service, "lambda:InvokeFunction", settings.arn, source_arn):
            self.refused.append(f"{source_arn} -> {settings.arn}: {service} has no permission")
            return
        self._cloud.submit(settings, json.dumps(event).encode())

    def sns_event(
        self, subscription: Any, message: str, message_id: str, subject: str | None, attributes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the event with which SNS calls a function."""
        notice = {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": subscription.topic.arn,
            "Subject": subject,
            "Message": message,
            "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "SignatureVersion": "1",
            "MessageAttributes": {key: {"Type": value["Type"], "Value": value["Value"]} for key, value in attributes.items()},
        }
        return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription.arn, "Sns": notice}]}

    def failed(self, settings: Settings, target: str, event: dict[str, Any]) -> None:
        """Deliver a failed asynchronous event under the function's own role."""
        if target.split(":")[2] == "sqs":
            attributes = {key: {"StringValue": value, "DataType": "String"} for key, value in event["attributes"].items()}
            sqs = self._cloud.client("sqs", settings.role_arn)
            sqs.send_message(QueueUrl=self._cloud.queue_url(target), MessageBody=event["body"], MessageAttributes=attributes)
        elif target.split(":")[2] == "sns":
            self._cloud.client("sns", settings.role_arn).publish(TopicArn=target, Message=event["body"])
        elif target.split(":")[2] == "lambda":
            self._cloud.client("lambda", settings.role_arn).invoke(
                FunctionName=target, InvocationType="Event", Payload=event["body"].encode()
            )
        else:
            raise NotImplementedError(f"destination {target}")

    def _permit(self, action: str, arn: str, service: str, source_arn: str, role: str | None) -> None:
        """Raise unless the target lets the service in: by the role it acts under, or by the target's own policy."""
        guard = self._cloud.guard
        if role:
            self._cloud.require_trust(role, service)
            guard.check(guard.role(role, "delivery"), action, [arn])
        elif not guard.service_may(service, action, arn, source_arn):
            raise PermissionError(f"{service} may not {action} on {arn}")

    def _to_bus(self, arn: str, payload: str) -> None:
        event = json.loads(payload)
        backend = events_backends[self._cloud.place.account][self._cloud.place.region]
        for rule in list(backend.event_buses[arn.rsplit("/", 1)[-1]].rules.values()):
            self.through_rule(rule, event)

    def _complete(self, record: dict[str, Any]) -> None:
        """Add what moto leaves out of S3's record: the version, and a sequencer that tells two events apart."""
        item = record["s3"]["object"]
        bucket = s3_backends[self._cloud.place.account][self._cloud.place.partition].buckets[record["s3"]["bucket"]["name"]]
        item.setdefault("sequencer", f"{self._cloud.next_number():016X}")
        if bucket.versioning_status == "Enabled":
            from urllib.parse import unquote_plus  # noqa: PLC0415

            key = bucket.keys.get(unquote_plus(item["key"]))
            if key is not None and key.version_id:
                item.setdefault("versionId", key.version_id)


def envelope(cloud: "Cloud", time: datetime) -> dict[str, Any]:
    """Return the outer fields of an EventBridge event."""
    return {
        "version": "0",
        "id": cloud.new_id(),
        "account": cloud.place.account,
        "time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": cloud.place.region,
    }


def _as_input(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    if "Input" in target:
        return str(target["Input"])
    if transformer := target.get("InputTransformer"):
        made = EventTemplateParser.parse(
            input_template=transformer.get("InputTemplate"), input_paths_map=transformer.get("InputPathsMap", {}), event=dict(event)
        )
        return json.dumps(made)
    return json.dumps(event)
