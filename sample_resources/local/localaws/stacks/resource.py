"""What every resource type here shares; a type is a class with ``create``, ``update`` and ``delete`` over boto3."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

if TYPE_CHECKING:
    from localaws.cloud import Cloud

NAME_LENGTH = 63


class Deployed:
    """One resource of a stack; a subclass also inherits moto's CloudFormationModel, which is how moto finds it.

    ``TYPE`` is CloudFormation's type, ``NAME`` its name property, ``FIXED`` the properties whose change means replacement.
    """

    cloud: ClassVar["Cloud"]
    TYPE: ClassVar[str]
    NAME: ClassVar[str | None] = None
    FIXED: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, properties: dict[str, Any], logical_id: str, stack_id: str) -> None:
        self.name = name
        self.properties = properties
        self.logical = logical_id
        self.stack_id = stack_id
        self.id = name
        self.attributes: dict[str, str] = {}

    def create(self) -> None:
        """Make the resource and set ``id`` and ``attributes``."""
        raise NotImplementedError

    def update(self, old: Mapping[str, Any]) -> None:
        """Bring the resource to ``self.properties``; by default by making it anew under the same name."""
        fresh = self.properties
        self.properties = dict(old)
        self.remove()
        self.properties = fresh
        self.create()

    def remove(self) -> None:
        """Delete the resource."""
        raise NotImplementedError

    @property
    def physical_resource_id(self) -> str:
        """What ``Ref`` gives."""
        return self.id

    def get_cfn_attribute(self, attribute: str) -> str:
        """What ``Fn::GetAtt`` gives."""
        if attribute not in self.attributes:
            raise UnformattedGetAttTemplateException
        return self.attributes[attribute]

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Attributes are checked when they are read."""
        return True

    @classmethod
    def cloudformation_type(cls) -> str:
        """Return the type that moto looks up."""
        return cls.TYPE

    @classmethod
    def cloudformation_name_type(cls) -> str | None:
        """Return the property that names the resource."""
        return cls.NAME

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> "Deployed":
        """Create a resource for moto."""
        properties = without_nothing(cloudformation_json.get("Properties") or {})
        name = properties.get(cls.NAME) or made_name(kwargs["StackId"], kwargs["LogicalId"])
        made = cls(str(name), properties, kwargs["LogicalId"], kwargs["StackId"])
        made.create()
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: "Deployed", new_resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> "Deployed":
        """Update a resource for moto; nothing happens when its properties are what they were."""
        new = without_nothing(cloudformation_json.get("Properties") or {})
        old = original_resource.properties
        if new == old:
            return original_resource
        fixed = [key for key in (cls.NAME, *cls.FIXED) if key and new.get(key) != old.get(key)]
        if fixed:
            made = cls(str(new.get(cls.NAME) or original_resource.name), new, original_resource.logical, original_resource.stack_id)
            original_resource.remove()
            made.create()
            return made
        original_resource.properties = new
        original_resource.update(old)
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str) -> None:
        """Never needed: moto calls ``delete`` of the resource itself."""

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the resource for moto."""
        self.remove()

    def is_created(self) -> bool:
        """Everything here is made at once."""
        return True


def made_name(stack_id: str, logical_id: str) -> str:
    """Return the name of a resource whose template gives none: stack, logical id and a suffix that stays the same."""
    suffix = hashlib.sha256(f"{stack_id}/{logical_id}".encode()).hexdigest()[:12].upper()
    stack = stack_id.split("/")[-2]
    return f"{stack[: NAME_LENGTH - len(suffix) - len(logical_id[:40]) - 2]}-{logical_id[:40]}-{suffix}"


def without_nothing(node: Any) -> Any:
    """Return properties without what ``AWS::NoValue`` left in lists and mappings."""
    if isinstance(node, list):
        return [without_nothing(item) for item in node if item is not None]
    if isinstance(node, dict):
        return {key: without_nothing(item) for key, item in node.items() if item is not None}
    return node


def only(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the named properties that are set."""
    return {name: properties[name] for name in names if properties.get(name) is not None}


def number(value: Any) -> int:
    """Return a property as a whole number; parameters arrive as text."""
    return int(value)


def is_true(value: Any) -> bool:
    """Return a property as a truth value; parameters arrive as text."""
    return str(value).lower() == "true"


def document(value: Any) -> str:
    """Return a policy or pattern as JSON text."""
    return value if isinstance(value, str) else json.dumps(value)


def tags(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return tags as a mapping, whichever way the type writes them."""
    found = properties.get("Tags") or {}
    return {item["Key"]: item["Value"] for item in found} if isinstance(found, list) else dict(found)


def tag_list(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return tags as a list of keys and values."""
    return [{"Key": key, "Value": str(value)} for key, value in tags(properties).items()]
