"""Each shortcut gives what moto gives without it; the numbers are those of ``localaws.shortcuts``."""

import json
from datetime import UTC, datetime

import pytest
import yaml
from moto.cloudformation.models import Stack
from moto.core import base_backend, serialize
from moto.dynamodb.models import dynamodb_backends
from moto.moto_api._internal import mock_random
from moto.utilities import utils

from localaws import shortcuts
from localaws.stacks.translation import read_yaml


def test_moto_still_has_every_place_that_is_taken_a_shortcut_to():
    assert callable(utils.load_resource)
    assert callable(base_backend.BackendDict.__getitem__)
    assert callable(type(mock_random).get_random_string)
    assert callable(serialize.parse_to_aware_datetime)
    assert callable(Stack.parse_template)


def test_1_a_cloud_knows_no_machines_and_all_else_of_ec2(cloud):
    client = cloud.client("ec2")
    assert client.describe_instance_type_offerings()["InstanceTypeOfferings"] == []
    assert client.describe_vpcs()["Vpcs"] != []


def test_2_a_backend_that_is_there_is_the_one_that_moto_finds():
    find = shortcuts.find_account(type(dynamodb_backends).__getitem__)
    made = find(dynamodb_backends, "111111111111")
    assert find(dynamodb_backends, "111111111111") is made is dynamodb_backends["111111111111"]
    assert dynamodb_backends in base_backend.BackendDict._instances
    del dynamodb_backends["111111111111"]


@pytest.mark.parametrize("options", [{}, {"length": 52}, {"include_digits": False}, {"lower_case": True}])
def test_3_random_text_has_the_length_and_the_letters_of_motos(options):
    ours, theirs = (
        [read(mock_random, **options) for _ in range(200)] for read in (shortcuts.random_string, type(mock_random).get_random_string)
    )
    assert {len(text) for text in ours} == {len(text) for text in theirs}
    assert set("".join(ours)) == set("".join(theirs))
    assert len(set(ours)) == 200


def test_4_objects_have_the_time_at_which_they_were_written(cloud, app):
    client, begin = cloud.client("s3"), datetime.now(UTC).replace(microsecond=0)
    client.put_object(Bucket=app["InputBucketName"], Key="in/time", Body=b"x")
    for _ in range(2):
        (found,) = client.list_objects_v2(Bucket=app["InputBucketName"], Prefix="in/time")["Contents"]
        assert begin <= found["LastModified"] <= datetime.now(UTC)


def test_5_a_template_reads_alike_as_json_and_as_yaml():
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": 'a "b" ${c}\n\\ é'}}}}}
    parse = shortcuts.parse_template(Stack.parse_template)
    assert parse(json.dumps(template)) == Stack.parse_template(json.dumps(template)) == parse(yaml.dump(template)) == template


def test_templates_are_read_with_the_short_forms_of_functions(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text("a: !Ref b\nc: !GetAtt d.e\nf: !Sub [g, {h: !If [i, 1, !Ref 'AWS::NoValue']}]\n")
    assert read_yaml(path) == {
        "a": {"Ref": "b"},
        "c": {"Fn::GetAtt": ["d", "e"]},
        "f": {"Fn::Sub": ["g", {"h": {"Fn::If": ["i", 1, {"Ref": "AWS::NoValue"}]}}]},
    }
