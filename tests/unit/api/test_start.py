"""What the API loads: its cold start stays small."""

import subprocess
import sys

HEAVY = {"numpy", "duckdb", "jsonschema", "boto3", "botocore", "sqlglot", "jinja2", "holidays", "pandas", "aws_lambda_powertools"}
LOAD = """
import sys
import l4m.api.app
from l4m.api.operations import MODULES, find_operation
for operations in MODULES.values():
    for name in operations:
        find_operation(name)
print(*sys.modules)
"""


def test_no_operation_loads_what_only_detection_needs():
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True, timeout=120)
    assert not HEAVY & set(done.stdout.split())
