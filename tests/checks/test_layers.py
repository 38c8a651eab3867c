"""What the layers bring: the SDK that the tests use, and its descriptions of the services that functions call."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "ai_ops/lambdas/shared"
NAMED = re.compile(r"""client\("([a-z0-9-]+)"\)|assume\([^()]*, "([a-z0-9-]+)"\)|user_client\([^()]*, "([a-z0-9-]+)"\)""")
BY_ATTRIBUTE = re.compile(r"\bloader\.([a-z][a-z0-9_]*)\b")
OTHER = {"client", "assume", "py", "lookoutmetrics"}  # the last one's description is our own


def described() -> set[str]:
    """Services whose descriptions the Makefile leaves in."""
    return set(re.search(r"^SERVICES = (.+)$", (SHARED / "Makefile").read_text(), re.MULTILINE)[1].split())


def test_every_service_that_functions_call_is_described():
    called = set()
    for path in (ROOT / "ai_ops/lambdas").rglob("*.py"):
        if "commands" in path.parts:
            continue  # on a laptop, with all of the SDK
        text = path.read_text(encoding="utf-8")
        called |= {name for groups in NAMED.findall(text) for name in groups if name}
        called |= {name.replace("_", "-") for name in BY_ATTRIBUTE.findall(text)} - OTHER
    assert {"dynamodb", "sts", "redshift-data"} <= called, "the search finds nothing"
    assert called - described() == set()


def test_functions_use_the_sdk_that_the_tests_use():
    def pinned(name: str) -> set[str]:
        return set(re.findall(r"^(?:boto3|botocore|s3transfer)==\S+", (SHARED / f"requirements-{name}.txt").read_text(), re.MULTILINE))

    layer = set(re.findall(r"^(?:boto3|botocore|s3transfer)==\S+", (SHARED / "requirements.txt").read_text(), re.MULTILINE))
    assert len(layer) == 3
    assert layer == pinned("dev")
