"""Bad calls of every operation, as bad_calls.json lists them, each refused with the error that the model has for it."""

import json
import re
from pathlib import Path

import pytest

from l4m.api.service_model import load_model

MODEL = load_model()
HERE = Path(__file__).parent
CASES = json.loads((HERE / "bad_calls.json").read_text(encoding="utf-8"))


def snake(operation):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


def resolve(value, here):
    """Put what the surroundings have in place of ``$names``."""
    if isinstance(value, dict):
        base = here.shop.source() if "$source" in value else {}
        return base | {name: resolve(inner, here) for name, inner in value.items() if name != "$source"}
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    if value == "$bare":
        return here.detector("bare")
    known = {"$done": here.arn, "$live": here.live, "$metric_set": here.metric_set, "$alert": here.alert}
    return (known | {"$action": here.shop.action(), "$group": here.group["AnomalyGroupId"]})[value]


def test_every_operation_is_called_well_and_badly():
    good = {name for file in HERE.glob("test_*.py") for name in re.findall(r"^def test_(\w+)\(here\)", file.read_text(), re.MULTILINE)}
    assert good == {snake(operation) for operation in MODEL.operations}
    assert set(CASES) == set(MODEL.operations)


@pytest.mark.parametrize(("operation", "number"), [(operation, number) for operation in CASES for number in range(len(CASES[operation]))])
def test_bad_call_is_refused(here, operation, number):
    case = CASES[operation][number]
    refusal = here.old.error(snake(operation), **resolve(case["arguments"], here))
    assert refusal == (case["error"], MODEL.status_of(case["error"]))
    assert case["error"] in MODEL.operations[operation].errors
