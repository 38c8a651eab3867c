"""Our service model and the last one that botocore shipped are the same to a client, shape by shape."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from l4m.api.service_model import MODELS

SCRIPT = Path(__file__).with_name("describe_model.py")


def described_by(python, data_path=None):
    environment = {name: value for name, value in os.environ.items() if name != "AWS_DATA_PATH"} | {"HOME": "/nonexistent"}
    if data_path:
        environment["AWS_DATA_PATH"] = str(data_path)
    done = subprocess.run([python, SCRIPT], env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def theirs(old_python):
    return described_by(old_python)


@pytest.fixture(scope="module")
def ours():
    return described_by(sys.executable, MODELS)


def test_there_are_the_same_30_operations(ours, theirs):
    assert len(theirs["operations"]) == 30
    assert ours["operations"] == theirs["operations"]


def test_there_are_the_same_shapes(ours, theirs):
    assert sorted(ours["shapes"]) == sorted(theirs["shapes"])


def test_no_shape_differs(ours, theirs):
    different = {name: (ours["shapes"].get(name), shape) for name, shape in theirs["shapes"].items() if ours["shapes"].get(name) != shape}
    assert different == {}


def test_protocol_and_version_are_the_same(ours, theirs):
    assert (ours["protocol"], ours["version"]) == (theirs["protocol"], theirs["version"]) == ("rest-json", "2017-07-25")


def test_old_boto3_reads_our_model_too(old_python, ours):
    assert described_by(old_python, MODELS) == ours
