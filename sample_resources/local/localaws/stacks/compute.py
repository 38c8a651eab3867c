"""Lambda, Step Functions and HTTP APIs."""

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from moto.core.common_models import CloudFormationModel

from localaws.stacks.resource import Deployed, document, number, only, tag_list, tags


class Function(Deployed, CloudFormationModel):
    """A function; its code is the folder behind the S3 key."""

    TYPE = "AWS::Lambda::Function"
    NAME = "FunctionName"
    FIXED = ("PackageType",)
    KEYS = ("Description", "Handler", "Role", "Runtime", "Environment", "Layers", "VpcConfig", "TracingConfig", "KmsKeyArn")

    def create(self) -> None:
        """Create the function."""
        code = only(self.properties["Code"], "S3Bucket", "S3Key")
        made = self.cloud.client("lambda").create_function(
            FunctionName=self.name,
            Code=code,
            Tags=tags(self.properties),
            Architectures=self.properties.get("Architectures") or ["x86_64"],
            **self._config(),
        )
        self.attributes = {"Arn": made["FunctionArn"]}
        self._extras()

    def update(self, old: Mapping[str, Any]) -> None:
        """Change code and configuration."""
        client = self.cloud.client("lambda")
        no_longer = {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}} if "VpcConfig" in old else {}
        client.update_function_configuration(FunctionName=self.name, **no_longer | self._config())
        client.update_function_code(FunctionName=self.name, **only(self.properties["Code"], "S3Bucket", "S3Key"))
        self._extras()

    def remove(self) -> None:
        """Delete the function and end its processes."""
        self.cloud.client("lambda").delete_function(FunctionName=self.name)
        self.cloud.functions.forget(self.name)
        self.cloud.dead_letters.pop(self.name, None)

    def _config(self) -> dict[str, Any]:
        config = only(self.properties, *self.KEYS) | {
            key: number(self.properties[key]) for key in ("MemorySize", "Timeout") if key in self.properties
        }
        variables = (config.get("Environment") or {}).get("Variables") or {}
        return config | {"Environment": {"Variables": {key: str(value) for key, value in variables.items()}}}

    def _extras(self) -> None:
        target = (self.properties.get("DeadLetterConfig") or {}).get("TargetArn")
        if target:
            self.cloud.dead_letters[self.name] = target
        else:
            self.cloud.dead_letters.pop(self.name, None)
        self.cloud.log_groups[self.name] = (self.properties.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{self.name}"
        if "ReservedConcurrentExecutions" in self.properties:
            limit = number(self.properties["ReservedConcurrentExecutions"])
            self.cloud.client("lambda").put_function_concurrency(FunctionName=self.name, ReservedConcurrentExecutions=limit)


class LayerVersion(Deployed, CloudFormationModel):
    """A layer; locally the packages of the server's own environment stand for its content."""

    TYPE = "AWS::Lambda::LayerVersion"

    def create(self) -> None:
        """Publish a version without content."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("python/", "")
        made = self.cloud.client("lambda").publish_layer_version(
            LayerName=self.properties.get("LayerName") or self.name,
            Content={"ZipFile": content.getvalue()},
            **only(self.properties, "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"),
        )
        self.id = made["LayerVersionArn"]
        self.attributes = {"LayerVersionArn": self.id}

    def update(self, old: Mapping[str, Any]) -> None:
        """Publish the next version."""
        self.create()

    def remove(self) -> None:
        """Delete the version."""
        layer, _, version = self.id.rpartition(":")
        self.cloud.client("lambda").delete_layer_version(LayerName=layer, VersionNumber=int(version))


class Permission(Deployed, CloudFormationModel):
    """One statement of a function's policy."""

    TYPE = "AWS::Lambda::Permission"

    def create(self) -> None:
        """Add the statement."""
        self.id = self.name
        self.cloud.client("lambda").add_permission(
            FunctionName=self.properties["FunctionName"],
            StatementId=self.name,
            **only(self.properties, "Action", "Principal", "SourceArn", "SourceAccount", "PrincipalOrgID"),
        )

    def remove(self) -> None:
        """Remove the statement, if its function still exists."""
        client = self.cloud.client("lambda")
        try:
            client.remove_permission(FunctionName=self.properties["FunctionName"], StatementId=self.name)
        except client.exceptions.ResourceNotFoundException:
            return


class EventInvokeConfig(Deployed, CloudFormationModel):
    """Retries and destinations of asynchronous invocations."""

    TYPE = "AWS::Lambda::EventInvokeConfig"

    def create(self) -> None:
        """Set the configuration."""
        numbers = {
            key: number(self.properties[key]) for key in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds") if key in self.properties
        }
        self.cloud.client("lambda").put_function_event_invoke_config(
            FunctionName=self.properties["FunctionName"], **only(self.properties, "DestinationConfig"), **numbers
        )

    def remove(self) -> None:
        """Remove the configuration, if its function still exists."""
        client = self.cloud.client("lambda")
        try:
            client.delete_function_event_invoke_config(FunctionName=self.properties["FunctionName"])
        except client.exceptions.ResourceNotFoundException:
            return


class StateMachine(Deployed, CloudFormationModel):
    """A state machine, with its substitutions made."""

    TYPE = "AWS::StepFunctions::StateMachine"
    NAME = "StateMachineName"
    FIXED = ("StateMachineType",)

    def create(self) -> None:
        """Create the machine."""
        made = self.cloud.client("stepfunctions").create_state_machine(
            name=self.name,
            definition=self._definition(),
            roleArn=self.properties["RoleArn"],
            type=self.properties.get("StateMachineType", "STANDARD"),
            tags=[{"key": item["Key"], "value": item["Value"]} for item in tag_list(self.properties)],
        )
        self.id = made["stateMachineArn"]
        self.attributes = {"Arn": self.id, "Name": self.name}

    def update(self, old: Mapping[str, Any]) -> None:
        """Change definition and role."""
        self.cloud.client("stepfunctions").update_state_machine(
            stateMachineArn=self.id, definition=self._definition(), roleArn=self.properties["RoleArn"]
        )

    def remove(self) -> None:
        """Delete the machine."""
        self.cloud.client("stepfunctions").delete_state_machine(stateMachineArn=self.id)

    def _definition(self) -> str:
        values = self.properties.get("DefinitionSubstitutions") or {}
        text = document(self.properties.get("DefinitionString") or self.properties.get("Definition"))
        text = re.sub(r"\$\{([^}]+)\}", lambda found: str(values.get(found[1], found[0])), text)
        if left := re.findall(r"\$\{[^}]+\}", text):
            raise ValueError(f"{self.logical}: no substitution for {', '.join(left)}")
        return text


class HttpApi(Deployed, CloudFormationModel):
    """An HTTP API, answered by the gateway of the local cloud."""

    TYPE = "AWS::ApiGatewayV2::Api"

    def create(self) -> None:
        """Register the API's routes under its id."""
        digest = hashlib.sha256(self.name.encode()).digest()
        self.id = base64.b32encode(digest).decode().lower()[:10]
        self.cloud.gateway.apis[self.id] = self.properties["Body"]
        host = f"{self.id}.execute-api.{self.cloud.place.region}.amazonaws.com"
        self.attributes = {"ApiId": self.id, "ApiEndpoint": f"https://{host}"}

    def update(self, old: Mapping[str, Any]) -> None:
        """Register the routes anew."""
        self.cloud.gateway.apis[self.id] = self.properties["Body"]

    def remove(self) -> None:
        """Forget the API."""
        self.cloud.gateway.apis.pop(self.id, None)


class Stage(Deployed, CloudFormationModel):
    """The stage of an HTTP API; there is only ``$default`` here."""

    TYPE = "AWS::ApiGatewayV2::Stage"

    def create(self) -> None:
        """Note the stage's name."""
        if self.properties.get("StageName") != "$default":
            raise ValueError(f"{self.logical}: only the stage $default is known here")
        self.id = "$default"

    def remove(self) -> None:
        """Nothing to delete."""
