"""Parameters of a template: what it allows, checked before anything is made."""

import re
from collections.abc import Mapping
from typing import Any


def faults_of(slots: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]) -> list[str]:
    """Return everything that is wrong with the values given for a template's parameters."""
    found = [f"parameters that the template does not have: {', '.join(strange)}"] if (strange := sorted(set(values) - set(slots))) else []
    for name, slot in slots.items():
        if name not in values and "Default" not in slot:
            found.append(f"{name}: a value is needed")
        elif name in values or "Default" in slot:
            found += [f"{name}: {fault}" for fault in _faults(slot, str(values.get(name, slot.get("Default"))))]
    return found


def _faults(slot: Mapping[str, Any], value: str) -> list[str]:
    found = []
    allowed = [str(item) for item in slot.get("AllowedValues", [])]
    if allowed and value not in allowed:
        found.append(f"{value!r} is none of {', '.join(allowed)}")
    if "AllowedPattern" in slot and not re.fullmatch(slot["AllowedPattern"], value):
        found.append(f"{value!r} does not match {slot['AllowedPattern']}")
    if slot["Type"] == "Number":
        if not re.fullmatch(r"-?\d+(\.\d+)?", value):
            return [*found, f"{value!r} is no number"]
        if "MaxValue" in slot and float(value) > float(slot["MaxValue"]):
            found.append(f"{value} is more than {slot['MaxValue']}")
        if "MinValue" in slot and float(value) < float(slot["MinValue"]):
            found.append(f"{value} is less than {slot['MinValue']}")
    elif not int(slot.get("MinLength", 0)) <= len(value) <= int(slot.get("MaxLength", 4096)):
        found.append(f"{value!r} has {len(value)} characters")
    return found
