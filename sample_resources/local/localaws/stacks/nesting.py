"""Nested stacks: parameters in, outputs out."""

from collections.abc import Mapping
from typing import Any

from moto.cloudformation.models import Stack, cloudformation_backends
from moto.cloudformation.utils import get_stack_from_s3_url
from moto.core.common_models import CloudFormationModel

from localaws.stacks.resource import Deployed


class NestedStack(Deployed, CloudFormationModel):
    """A stack inside a stack."""

    TYPE = "AWS::CloudFormation::Stack"

    def create(self) -> None:
        """Create the inner stack."""
        self._apply()

    def update(self, old: Mapping[str, Any]) -> None:
        """Update the inner stack in place."""
        self._apply()

    def remove(self) -> None:
        """Delete the inner stack."""
        self._backend().delete_stack(self.name)

    def _apply(self) -> None:
        from localaws.stacks.deployment import apply, outputs_of  # noqa: PLC0415 (a stack contains stacks)

        values = {
            key: ",".join(value) if isinstance(value, list) else str(value)
            for key, value in (self.properties.get("Parameters") or {}).items()
        }
        stack: Stack = apply(self._backend(), self.name, self._template(), values)
        self.id = stack.stack_id
        self.attributes = {f"Outputs.{key}": value for key, value in outputs_of(stack).items()}

    def _template(self) -> str:
        url = self.properties["TemplateURL"]
        place = self.cloud.place
        return self.cloud.templates.get(url) or get_stack_from_s3_url(url, place.account, place.partition)

    def _backend(self) -> Any:
        return cloudformation_backends[self.cloud.place.account][self.cloud.place.region]
