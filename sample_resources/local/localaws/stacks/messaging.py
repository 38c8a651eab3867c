"""Topics, queues, rules and schedules."""

import json
from collections.abc import Mapping
from typing import Any

from moto.core.common_models import CloudFormationModel

from localaws.stacks.resource import Deployed, document, only, tag_list


class Topic(Deployed, CloudFormationModel):
    """A topic with the subscriptions that its own definition lists."""

    TYPE = "AWS::SNS::Topic"
    NAME = "TopicName"

    def create(self) -> None:
        """Create the topic."""
        sns = self.cloud.client("sns")
        attributes = {key: str(value) for key, value in only(self.properties, "DisplayName", "KmsMasterKeyId").items()}
        self.id = sns.create_topic(Name=self.name, Attributes=attributes, Tags=tag_list(self.properties))["TopicArn"]
        self.attributes = {"TopicArn": self.id, "TopicName": self.name}
        self.update({})

    def update(self, old: Mapping[str, Any]) -> None:
        """Subscribe who is not yet."""
        before = old.get("Subscription") or []
        for item in self.properties.get("Subscription") or []:
            if item not in before:
                self.cloud.client("sns").subscribe(TopicArn=self.id, **only(item, "Protocol", "Endpoint"))

    def remove(self) -> None:
        """Delete the topic."""
        self.cloud.client("sns").delete_topic(TopicArn=self.id)


class Subscription(Deployed, CloudFormationModel):
    """A subscription of its own."""

    TYPE = "AWS::SNS::Subscription"
    DOCUMENTS = ("FilterPolicy", "RedrivePolicy", "DeliveryPolicy")

    def create(self) -> None:
        """Subscribe."""
        attributes = {key: document(self.properties[key]) for key in self.DOCUMENTS if key in self.properties}
        attributes |= {key: str(value).lower() for key, value in only(self.properties, "RawMessageDelivery").items()}
        attributes |= only(self.properties, "FilterPolicyScope")
        made = self.cloud.client("sns").subscribe(
            **only(self.properties, "TopicArn", "Protocol", "Endpoint"), Attributes=attributes, ReturnSubscriptionArn=True
        )
        self.id = made["SubscriptionArn"]

    def remove(self) -> None:
        """Unsubscribe."""
        self.cloud.client("sns").unsubscribe(SubscriptionArn=self.id)


class TopicPolicy(Deployed, CloudFormationModel):
    """The policy of topics."""

    TYPE = "AWS::SNS::TopicPolicy"

    def create(self) -> None:
        """Put the policy on every topic."""
        for topic in self.properties["Topics"]:
            policy = document(self.properties["PolicyDocument"])
            self.cloud.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)

    def update(self, old: Mapping[str, Any]) -> None:
        """Put the new policy over the old."""
        self.create()

    def remove(self) -> None:
        """Nothing to delete: the policy goes with its topic."""


class Queue(Deployed, CloudFormationModel):
    """A queue."""

    TYPE = "AWS::SQS::Queue"
    NAME = "QueueName"
    KEYS = (
        "DelaySeconds",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "VisibilityTimeout",
        "KmsMasterKeyId",
        "SqsManagedSseEnabled",
    )

    def create(self) -> None:
        """Create the queue."""
        self.id = self.cloud.client("sqs").create_queue(QueueName=self.name, Attributes=self._settings())["QueueUrl"]
        self.attributes = {"Arn": self.cloud.place.arn("sqs", self.name), "QueueName": self.name, "QueueUrl": self.id}

    def update(self, old: Mapping[str, Any]) -> None:
        """Change its settings."""
        self.cloud.client("sqs").set_queue_attributes(QueueUrl=self.id, Attributes=self._settings())

    def remove(self) -> None:
        """Delete the queue."""
        self.cloud.client("sqs").delete_queue(QueueUrl=self.id)

    def _settings(self) -> dict[str, str]:
        found = {
            key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in only(self.properties, *self.KEYS).items()
        }
        return found | {key: document(value) for key, value in only(self.properties, "RedrivePolicy", "RedriveAllowPolicy").items()}


class QueuePolicy(Deployed, CloudFormationModel):
    """The policy of queues."""

    TYPE = "AWS::SQS::QueuePolicy"

    def create(self) -> None:
        """Put the policy on every queue."""
        for url in self.properties["Queues"]:
            self.cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(self.properties["PolicyDocument"])})

    def update(self, old: Mapping[str, Any]) -> None:
        """Put the new policy over the old."""
        self.create()

    def remove(self) -> None:
        """Nothing to delete: the policy goes with its queue."""


class Rule(Deployed, CloudFormationModel):
    """An EventBridge rule with its targets."""

    TYPE = "AWS::Events::Rule"
    NAME = "Name"
    FIXED = ("EventBusName",)

    def create(self) -> None:
        """Put the rule and its targets."""
        events = self.cloud.client("events")
        made = only(self.properties, "Description", "EventBusName", "RoleArn", "ScheduleExpression", "State")
        if "EventPattern" in self.properties:
            made["EventPattern"] = document(self.properties["EventPattern"])
        self.id = self.name
        self.attributes = {"Arn": events.put_rule(Name=self.name, **made)["RuleArn"]}
        if targets := self.properties.get("Targets"):
            events.put_targets(Rule=self.name, Targets=targets, **only(self.properties, "EventBusName"))

    def update(self, old: Mapping[str, Any]) -> None:
        """Put the rule again and remove targets that are gone."""
        self.create()
        gone = {item["Id"] for item in old.get("Targets") or []} - {item["Id"] for item in self.properties.get("Targets") or []}
        if gone:
            self.cloud.client("events").remove_targets(Rule=self.name, Ids=sorted(gone), **only(self.properties, "EventBusName"))

    def remove(self) -> None:
        """Delete targets and rule."""
        bus = only(self.properties, "EventBusName")
        ids = [item["Id"] for item in self.properties.get("Targets") or []]
        if ids:
            self.cloud.client("events").remove_targets(Rule=self.name, Ids=ids, **bus)
        self.cloud.client("events").delete_rule(Name=self.name, **bus)


class EventBus(Deployed, CloudFormationModel):
    """A bus of its own."""

    TYPE = "AWS::Events::EventBus"
    NAME = "Name"

    def create(self) -> None:
        """Create the bus."""
        self.attributes = {"Arn": self.cloud.client("events").create_event_bus(Name=self.name)["EventBusArn"], "Name": self.name}

    def update(self, old: Mapping[str, Any]) -> None:
        """Nothing of a bus that is used here can change."""

    def remove(self) -> None:
        """Delete the bus."""
        self.cloud.client("events").delete_event_bus(Name=self.name)


class Schedule(Deployed, CloudFormationModel):
    """A schedule of EventBridge Scheduler."""

    TYPE = "AWS::Scheduler::Schedule"
    NAME = "Name"
    FIXED = ("GroupName",)

    def create(self) -> None:
        """Create the schedule."""
        self._call("create_schedule")

    def update(self, old: Mapping[str, Any]) -> None:
        """Change the schedule."""
        self._call("update_schedule")

    def remove(self) -> None:
        """Delete the schedule."""
        self.cloud.client("scheduler").delete_schedule(Name=self.name, **only(self.properties, "GroupName"))

    def _call(self, operation: str) -> None:
        made = only(
            self.properties,
            "Description",
            "GroupName",
            "ScheduleExpression",
            "ScheduleExpressionTimezone",
            "FlexibleTimeWindow",
            "State",
            "Target",
        )
        made["Target"] = json.loads(json.dumps(made["Target"]))
        arn = getattr(self.cloud.client("scheduler"), operation)(Name=self.name, **made)["ScheduleArn"]
        self.attributes = {"Arn": arn}


class ScheduleGroup(Deployed, CloudFormationModel):
    """A group of schedules."""

    TYPE = "AWS::Scheduler::ScheduleGroup"
    NAME = "Name"

    def create(self) -> None:
        """Create the group."""
        self.attributes = {"Arn": self.cloud.client("scheduler").create_schedule_group(Name=self.name)["ScheduleGroupArn"]}

    def update(self, old: Mapping[str, Any]) -> None:
        """Only tags can change, and they do not matter here."""

    def remove(self) -> None:
        """Delete the group with its schedules."""
        self.cloud.client("scheduler").delete_schedule_group(Name=self.name)
