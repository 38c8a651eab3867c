"""Where data lives: buckets, tables and secrets."""

import json
import secrets
import string
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from moto.core.common_models import CloudFormationModel

from localaws.stacks.resource import Deployed, document, is_true, number, only, tag_list

TARGETS = {
    "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
    "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
    "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
}


class Bucket(Deployed, CloudFormationModel):
    """A bucket with versioning, encryption, public access block, lifecycle and notifications."""

    TYPE = "AWS::S3::Bucket"
    NAME = "BucketName"

    def create(self) -> None:
        """Create and configure the bucket."""
        self.id = self.name = self.name.lower()
        region = self.cloud.place.region
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.cloud.client("s3").create_bucket(Bucket=self.name, **where)
        self.attributes = {
            "Arn": f"arn:{self.cloud.place.partition}:s3:::{self.name}",
            "DomainName": f"{self.name}.s3.amazonaws.com",
            "RegionalDomainName": f"{self.name}.s3.{region}.amazonaws.com",
        }
        self.update({})

    def update(self, old: Mapping[str, Any]) -> None:
        """Apply the configuration."""
        s3 = self.cloud.client("s3")
        mine = self.properties
        if status := (mine.get("VersioningConfiguration") or {}).get("Status"):
            s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": status})
        if block := mine.get("PublicAccessBlockConfiguration"):
            settings = {key: is_true(value) for key, value in block.items()}
            s3.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=settings)
        if rules := (mine.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration"):
            applied = [
                {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
                for rule in rules
                if "ServerSideEncryptionByDefault" in rule
            ]
            s3.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": applied})
        if rules := (mine.get("LifecycleConfiguration") or {}).get("Rules"):
            s3.put_bucket_lifecycle_configuration(
                Bucket=self.name, LifecycleConfiguration={"Rules": [lifecycle_rule(rule) for rule in rules]}
            )
        s3.put_bucket_notification_configuration(
            Bucket=self.name,
            NotificationConfiguration=notifications(mine.get("NotificationConfiguration") or {}),
            SkipDestinationValidation=True,
        )

    def remove(self) -> None:
        """Delete the bucket; as in AWS that fails while it holds objects, and one that is gone already is no fault."""
        s3 = self.cloud.client("s3")
        with suppress(s3.exceptions.NoSuchBucket):
            s3.delete_bucket(Bucket=self.name)


def notifications(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template's notification configuration as the S3 API wants it."""
    found: dict[str, Any] = {}
    for key, (api_key, target, api_target) in TARGETS.items():
        for number_, item in enumerate(config.get(key) or []):
            made = {"Id": item.get("Id") or f"{key}-{number_}", api_target: item[target], "Events": [item["Event"]]}
            if "Filter" in item:
                rules = [{"Name": rule["Name"].lower(), "Value": rule["Value"]} for rule in item["Filter"]["S3Key"]["Rules"]]
                made["Filter"] = {"Key": {"FilterRules": rules}}
            found.setdefault(api_key, []).append(made)
    if "EventBridgeConfiguration" in config:
        found["EventBridgeConfiguration"] = {}
    return found


def lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template's lifecycle rule as the S3 API wants it."""
    made: dict[str, Any] = {"ID": rule.get("Id") or "rule", "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix") or ""}}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": number(rule["ExpirationInDays"])}
    if "NoncurrentVersionExpiration" in rule:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": number(rule["NoncurrentVersionExpiration"]["NoncurrentDays"])}
    elif "NoncurrentVersionExpirationInDays" in rule:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": number(rule["NoncurrentVersionExpirationInDays"])}
    if "AbortIncompleteMultipartUpload" in rule:
        days = number(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
    return made


class BucketPolicy(Deployed, CloudFormationModel):
    """A bucket's policy."""

    TYPE = "AWS::S3::BucketPolicy"
    FIXED = ("Bucket",)

    def create(self) -> None:
        """Put the policy."""
        self.cloud.client("s3").put_bucket_policy(Bucket=self.properties["Bucket"], Policy=document(self.properties["PolicyDocument"]))

    def update(self, old: Mapping[str, Any]) -> None:
        """Put the new policy over the old."""
        self.create()

    def remove(self) -> None:
        """Delete the policy, which may have gone with its bucket."""
        s3 = self.cloud.client("s3")
        with suppress(s3.exceptions.NoSuchBucket):
            s3.delete_bucket_policy(Bucket=self.properties["Bucket"])


class Table(Deployed, CloudFormationModel):
    """A DynamoDB table with time to live and point-in-time recovery."""

    TYPE = "AWS::DynamoDB::Table"
    NAME = "TableName"
    FIXED = ("KeySchema", "LocalSecondaryIndexes")
    KEYS = (
        "AttributeDefinitions",
        "KeySchema",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "LocalSecondaryIndexes",
        "StreamSpecification",
        "ProvisionedThroughput",
    )

    def create(self) -> None:
        """Create and configure the table."""
        made = self.cloud.client("dynamodb").create_table(TableName=self.name, **only(self.properties, *self.KEYS))["TableDescription"]
        self.attributes = {"Arn": made["TableArn"], **({"StreamArn": made["LatestStreamArn"]} if "LatestStreamArn" in made else {})}
        self.update({})

    def update(self, old: Mapping[str, Any]) -> None:
        """Apply what can change in place."""
        client = self.cloud.client("dynamodb")
        ttl = self.properties.get("TimeToLiveSpecification")
        if ttl and ttl != old.get("TimeToLiveSpecification"):
            client.update_time_to_live(
                TableName=self.name, TimeToLiveSpecification={"AttributeName": ttl["AttributeName"], "Enabled": is_true(ttl["Enabled"])}
            )
        recovery = self.properties.get("PointInTimeRecoverySpecification")
        if recovery:
            enabled = is_true(recovery["PointInTimeRecoveryEnabled"])
            client.update_continuous_backups(TableName=self.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled})

    def remove(self) -> None:
        """Delete the table, unless it is gone already."""
        dynamodb = self.cloud.client("dynamodb")
        with suppress(dynamodb.exceptions.ResourceNotFoundException):
            dynamodb.delete_table(TableName=self.name)


class Secret(Deployed, CloudFormationModel):
    """A secret, generated when the template says so."""

    TYPE = "AWS::SecretsManager::Secret"
    NAME = "Name"

    def create(self) -> None:
        """Create the secret."""
        made = self.cloud.client("secretsmanager").create_secret(
            Name=self.name, SecretString=self._value(), Tags=tag_list(self.properties), **only(self.properties, "Description", "KmsKeyId")
        )
        self.id = made["ARN"]
        self.attributes = {"Id": self.id}

    def update(self, old: Mapping[str, Any]) -> None:
        """Change the text; a generated value is only made anew when its rule changed."""
        if any(self.properties.get(key) != old.get(key) for key in ("SecretString", "GenerateSecretString")):
            self.cloud.client("secretsmanager").put_secret_value(SecretId=self.id, SecretString=self._value())

    def remove(self) -> None:
        """Delete the secret at once."""
        self.cloud.client("secretsmanager").delete_secret(SecretId=self.id, ForceDeleteWithoutRecovery=True)

    def _value(self) -> str:
        rule = self.properties.get("GenerateSecretString")
        if rule is None:
            return str(self.properties.get("SecretString", ""))
        alphabet = string.ascii_letters + string.digits + ("" if is_true(rule.get("ExcludePunctuation")) else "!#$%&()*+,-.:;<=>?[]^_{|}~")
        letters = [char for char in alphabet if char not in rule.get("ExcludeCharacters", "")]
        password = "".join(secrets.choice(letters) for _ in range(number(rule.get("PasswordLength", 32))))
        if "GenerateStringKey" not in rule:
            return password
        return json.dumps({**json.loads(rule.get("SecretStringTemplate", "{}")), rule["GenerateStringKey"]: password})
