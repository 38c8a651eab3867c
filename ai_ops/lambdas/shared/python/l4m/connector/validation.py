"""params.json read and checked: syntax, schema and rules, all faults at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator

from l4m.connector.rules import RULES, Context
from l4m.databases.registry import DATABASES
from l4m.errors import Fault, InvalidInput

FILLED_IN = {"s3_bucket", "RoleArn", "HistoricalDataPathList", "TemplatedPathList"}
BUILT = ": ai_ops/params_builder.py fills it in"


@dataclass(frozen=True)
class Surroundings:
    """What only the deployment knows: the file's bucket, the account, when it came, what it crawls, and how to ask for a secret."""

    bucket: str | None = None
    account: str | None = None
    uploaded: datetime | None = None
    database_type: str | None = None
    secret_faults: Callable[[str, str], Sequence[Fault]] | None = None  # of a database_type's secret, by its name


def read_params(text: bytes, surroundings: Surroundings = Surroundings()) -> Mapping[str, Any]:
    """Return a params.json that can be used; InvalidInput lists everything that is wrong with it."""
    given = _parsed(text)
    faults = _schema_faults(given)
    if isinstance(given, dict):
        faults += _rule_faults(given, surroundings, {fault.field.split("[")[0].split(".")[0] for fault in faults})
    if faults:
        raise InvalidInput(*faults)
    answer: Mapping[str, Any] = given
    return answer


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidInput(Fault("params.json", f"is not UTF-8: {error.reason} at byte {error.start}")) from error
    except json.JSONDecodeError as error:
        raise InvalidInput(Fault("params.json", f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}")) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(Fault("params.json", f"is not usable JSON: {error}")) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    given = dict(pairs)
    if len(given) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return given


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


@cache
def _validator() -> Draft202012Validator:
    text = resources.files("l4m.connector").joinpath("params.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def _schema_faults(given: Any) -> list[Fault]:
    errors = sorted(_validator().iter_errors(given), key=lambda error: [str(part) for part in error.absolute_path])
    return list(dict.fromkeys(fault for error in errors for fault in _faults(error)))


def _faults(error: Any) -> list[Fault]:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    if error.validator == "required":
        name = next(name for name in error.validator_value if error.message.startswith(repr(name)))
        return [Fault(f"{path}.{name}".lstrip("."), "is missing")]
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        return [Fault(f"{path}.{name}".lstrip("."), _unknown(name, known)) for name in error.instance if name not in known]
    return [Fault(path or "params.json", _message(error))]


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"is no known key; did you mean {near[0]!r}?" if near else "is no known key"


def _message(error: Any) -> str:
    if error.validator in {"pattern", "minItems", "minLength"} and not error.instance:
        name = next((part for part in reversed(error.absolute_path) if isinstance(part, str)), "")
        return f"is empty{BUILT if name in FILLED_IN else ''}"
    if error.validator == "pattern":
        return f"{error.instance!r} does not match {error.validator_value}"
    return str(error.message)


def _rule_faults(given: dict[str, Any], surroundings: Surroundings, broken: set[str]) -> list[Fault]:
    context = Context(given, surroundings.bucket, surroundings.account, surroundings.uploaded)
    faults = [fault for fields, rule in RULES if not broken & set(fields) for fault in rule(context)]
    ask = surroundings.secret_faults
    if ask and not broken & {"database_type", "secret_name"}:
        database_type = given["database_type"]
        if surroundings.database_type not in {None, database_type}:
            return [
                *faults,
                Fault("database_type", f"is {database_type!r}, but this stack was deployed for {surroundings.database_type!r}"),
            ]
        faults += ask(database_type, given.get("secret_name", DATABASES[database_type].secret_name))
    return faults
