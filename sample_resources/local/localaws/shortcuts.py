"""What moto does at every request and need do once, or not at all: no answer changes, each takes a fraction of the time.

1. ``load_resource``: lists of EC2's machines, 50 MB that nobody starts here, stay in their files.
2. ``BackendDict.__getitem__``: an account that is there is found without a search for its service among all others.
3. ``get_random_string``: request ids come in one draw instead of one for each letter.
4. ``parse_to_aware_datetime``: a time that was read once is known, as those of the objects that are listed again and again.
5. ``Stack.parse_template``: a template in JSON is read as JSON; moto reads it as YAML.
"""

import json
import string
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from moto.core import base_backend, serialize
from moto.moto_api._internal.moto_random import MotoRandom
from moto.utilities import utils

TIMES = 65_536


def leave_machines_out() -> None:
    """Has to be called before moto's EC2 is imported, which reads them at once."""
    load = utils.load_resource
    utils.load_resource = lambda resource: {} if "/instance_type" in resource else load(resource)


def install() -> None:
    """Put all shortcuts but the first in place for this process."""
    from moto.cloudformation.models import Stack  # noqa: PLC0415 (imports EC2)

    base_backend.BackendDict.__getitem__ = find_account(base_backend.BackendDict.__getitem__)
    MotoRandom.get_random_string = random_string
    serialize.parse_to_aware_datetime = lru_cache(TIMES)(serialize.parse_to_aware_datetime)
    Stack.parse_template = staticmethod(parse_template(Stack.parse_template))


def find_account(original: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Return a ``__getitem__`` that asks the original one only for an account that is not there yet."""

    def find(self: dict[str, Any], account: str) -> Any:
        found = dict.get(self, account)
        return original(self, account) if found is None else found

    return find


def random_string(self: MotoRandom, length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
    """Return letters, and digits if wanted, drawn at once."""
    pool = string.ascii_letters + (string.digits if include_digits else "")
    text = "".join(self.choices(pool, k=length))
    return text.lower() if lower_case else text


def parse_template(original: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """Return a parser of templates that tries JSON first."""

    def parse(template: str) -> dict[str, Any]:
        try:
            return dict(json.loads(template))
        except ValueError:
            return original(template)

    return parse
