"""Create, update and delete stacks from template files."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.cloudformation.models import CloudFormationBackend, Stack, cloudformation_backends
from moto.cloudformation.parsing import NULL_MODELS, ResourceMap, get_model_list, get_model_map, get_name_type_map, parse_condition

from localaws.stacks import access, compute, data, databases, messaging, nesting, network, watching
from localaws.stacks.parameters import faults_of
from localaws.stacks.resource import Deployed

if TYPE_CHECKING:
    from localaws.cloud import Cloud

log = logging.getLogger(__name__)
TYPES = (access, compute, data, databases, messaging, nesting, network, watching)  # imported so that moto finds their resource types


def deploy(cloud: "Cloud", path: Path, name: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Create the stack or update it; return its outputs. A stack whose creation fails is deleted again."""
    from localaws.stacks.translation import Sources, translate  # noqa: PLC0415 (the translator is loaded when first needed)

    values = {key: str(value) for key, value in parameters.items()}
    template = translate(path, values, Sources(cloud.sources, cloud.templates, cloud.home / "inline"))
    return outputs_of(apply(_backend(cloud), name, json.dumps(template), values))


def apply(backend: CloudFormationBackend, name: str, text: str, parameters: Mapping[str, str]) -> Stack:
    """Bring a stack to a translated template and its parameters."""
    template = json.loads(text)
    if faults := faults_of(template.get("Parameters", {}), parameters):
        raise ValueError(f"{name}: {'; '.join(faults)}")
    template = without_absent(template, name, parameters, backend)
    unknown = sorted({item["Type"] for item in template["Resources"].values()} - set(get_model_map()) - set(NULL_MODELS))
    if unknown := [item for item in unknown if not item.startswith("Custom::")]:
        raise ValueError(f"{name}: resource types not known here: {', '.join(unknown)}")
    text = json.dumps(template)
    existing = next((stack for stack in backend.stacks.values() if stack.name == name), None)
    if existing:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        removed = set(existing.template_dict["Resources"]) - set(template["Resources"])
        stack = backend.update_stack(name, text, None, given, None)
        for logical in removed:  # moto would take it for still there when it comes back
            stack.resource_map._parsed_resources.pop(logical, None)
        return _created(stack)
    try:
        return _created(backend.create_stack(name, text, dict(parameters)))
    except Exception:
        _discard(backend, name)
        raise


def delete_stack(cloud: "Cloud", name: str) -> None:
    """Delete a stack; a name that does not exist is an error."""
    backend = _backend(cloud)
    stack = backend.get_stack(name)
    try:
        backend.delete_stack(name)
    except Exception:
        stack.status = "DELETE_FAILED"
        backend.stacks[stack.stack_id] = stack
        raise


def outputs_of(stack: Stack) -> dict[str, str]:
    """Return a stack's outputs."""
    return {item["OutputKey"]: str(item["OutputValue"]) for item in stack.outputs or []}


def without_absent(template: dict[str, Any], name: str, parameters: Mapping[str, str], backend: CloudFormationBackend) -> dict[str, Any]:
    """Return the template without resources and outputs whose condition is false, so that an update removes them."""
    bare = {key: value for key, value in template.items() if key in ("Parameters", "Conditions", "Mappings")}
    known = ResourceMap("", name, dict(parameters), {}, backend.region_name, backend.account_id, {**bare, "Resources": {}}, {})
    known.load()
    check_rules(template.pop("Rules", {}), known)
    for part in ("Resources", "Outputs"):
        items = template.get(part) or {}
        template[part] = {
            key: item for key, item in items.items() if "Condition" not in item or known.lazy_condition_map[item["Condition"]]
        }
        for item in template[part].values():
            item.pop("Condition", None)
    present = set(template["Resources"])
    for item in template["Resources"].values():
        if "DependsOn" in item:
            named = item["DependsOn"] if isinstance(item["DependsOn"], list) else [item["DependsOn"]]
            item["DependsOn"] = [other for other in named if other in present]
    return template


def _created(stack: Stack) -> Stack:
    """Return the stack; what is retained except on creation is retained from now on, which moto does not know."""
    for item in stack.resource_map._resource_json_map.values():
        if item.get("DeletionPolicy") == "RetainExceptOnCreate":
            item["DeletionPolicy"] = "Retain"
    return stack


def check_rules(rules: Mapping[str, Any], known: ResourceMap) -> None:
    """Raise with the descriptions of the assertions about parameters that do not hold."""
    parsed = known._parsed_resources
    conditions = known.lazy_condition_map
    asked = [rule for rule in rules.values() if "RuleCondition" not in rule or parse_condition(rule["RuleCondition"], parsed, conditions)]
    broken = [item for rule in asked for item in rule["Assertions"] if not parse_condition(item["Assert"], parsed, conditions)]
    if broken:
        raise ValueError("; ".join(item.get("AssertDescription", "an assertion does not hold") for item in broken))


def _discard(backend: CloudFormationBackend, name: str) -> None:
    try:
        backend.delete_stack(name)
    except Exception:
        log.exception("%s was not cleaned up after its creation failed", name)
    for stack_id in [stack_id for stack_id, stack in backend.stacks.items() if stack.name == name]:
        backend.stacks.pop(stack_id)


def _backend(cloud: "Cloud") -> CloudFormationBackend:
    Deployed.cloud = cloud
    for cached in (get_model_list, get_model_map, get_name_type_map):
        cached.cache_clear()
    return cloudformation_backends[cloud.place.account][cloud.place.region]
