"""Every operation under fire: whatever comes in, the answer is a modelled one and a refused call leaves the table as it was.

A few inputs each take seconds; L4M_FUZZ_EXAMPLES=1000 takes a while and finds more.
"""

import json
import os
import string
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from l4m.api.app import Request
from l4m.api.patterns import compile_pattern
from l4m.api.service_model import load_model

MODEL = load_model()
MOST_EXAMPLES = int(os.environ.get("L4M_FUZZ_EXAMPLES", "12"))
pytestmark = pytest.mark.timeout(120 + 5 * MOST_EXAMPLES)
FUZZ = settings(
    max_examples=MOST_EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
SCOPE = "arn:aws:lookoutmetrics:us-east-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/LookoutForMetricsRole"
GROUP = "12345678-abcd-1234-abcd-1234567890ab"
EXAMPLES = {
    "Arn": [
        f"{SCOPE}:AnomalyDetector:sales",
        f"{SCOPE}:MetricSet/sales/orders",
        f"{SCOPE}:Alert:page",
        ROLE,
        f"{SCOPE}:AnomalyDetector:none",
    ],
    "ColumnName": ["views", "platform", "timestamp", "none"],
    "MetricName": ["views", "none"],
    "Timezone": ["UTC", "Europe/Berlin", "../../etc/passwd", "posixrules", "/etc/localtime", "Europe"],
    "DateTimeFormat": ["yyyy-MM-dd HH:mm:ss", "UNIX", "hh:mm:ss a", "[yyyy[MM[dd]]]", "%Y", "'" * 9],
    "TemplatedPath": ["s3://shop/live/{{yyyyMMdd}}/{{HHmm}}", "s3://shop/{{", "s3://shop/{{}}", "s3://s/{{QQ}}", "s3://none/{{yyyy}}"],
    "HistoricalDataPath": ["s3://shop/past/", "s3://none/past/", "s3://a//..\u2028"],
    "Charset": ["UTF-8", "UTF-16", "rot13", "undefined", "idna", "klingon"],
    "AthenaDataCatalog": ["AwsDataCatalog", "ü 🛒\t"],  # as a regular expression it takes a minute to explore
    "UUID": [GROUP],
    "NextToken": ["x", "AAAAAAAAAAAAAAAAAAAAAAAA", "=" * 9],
}
INJECTIONS = [
    "'; DROP TABLE detectors; --",
    "{{7*7}}${jndi:ldap://x}",
    "../../../../etc/passwd",
    "<script>alert(1)</script>",
    "\x00\x01\x1f",
    "\ud800",
    "\uff21\uff22\u202e\u0301🛒",
    "a" * 5000,
    "%00%2F..%2f",
    "__proto__",
    "",
    " ",
    "\n",
]
TEXT = st.one_of(st.sampled_from(INJECTIONS), st.text(st.characters(exclude_categories=()), max_size=40))
GARBAGE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.sampled_from([10**400, -1, 1e308])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=4,
)


def members_of(shape: dict[str, Any]) -> st.SearchStrategy[Any]:
    required = {name: near(ref["shape"]) for name, ref in shape["members"].items() if name in shape.get("required", ())}
    optional = {name: near(ref["shape"]) for name, ref in shape["members"].items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@cache
def near(name: str) -> st.SearchStrategy[Any]:
    """Values of a shape: mostly such as it allows, now and then anything at all."""
    shape = MODEL.shapes[name]
    good = {
        "structure": lambda: members_of(shape),
        "list": lambda: st.lists(near(shape["member"]["shape"]), min_size=shape.get("min", 0), max_size=2),
        "map": lambda: st.dictionaries(TEXT.filter(bool), near(shape["value"]["shape"]), min_size=1, max_size=2),
        "string": lambda: texts(name, shape),
        "boolean": st.booleans,
        "integer": lambda: st.integers(shape.get("min", 0), shape.get("max", 100)),
        "double": lambda: st.floats(0, 100),
    }[shape["type"]]()  # fmt: skip
    return st.integers(0, 19).flatmap(lambda roll: GARBAGE if roll == 19 else good)


def texts(name: str, shape: dict[str, Any]) -> st.SearchStrategy[str]:
    if "enum" in shape:
        return st.sampled_from(shape["enum"])
    if name in EXAMPLES:
        return st.sampled_from(EXAMPLES[name])
    if "pattern" in shape and r"\S" not in shape["pattern"] and "kms" not in shape["pattern"]:
        return st.from_regex(compile_pattern(shape["pattern"]), fullmatch=True).map(lambda text: text[: shape["max"]])
    return st.text(string.ascii_letters + string.digits + "üß🛒 ", min_size=1, max_size=20)


@pytest.fixture
def watched(service, metric_set_of):
    """A detector with a metric set and an alert."""
    service.context.clients.client("s3").create_bucket(Bucket="state")
    client = service.client()
    arn = client.create_anomaly_detector(AnomalyDetectorName="sales", AnomalyDetectorConfig={"AnomalyDetectorFrequency": "PT1H"})
    client.create_metric_set(**metric_set_of(arn["AnomalyDetectorArn"]))
    action = {"SNSConfiguration": {"RoleArn": ROLE, "SnsTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms"}}
    client.create_alert(AlertName="page", AnomalyDetectorArn=arn["AnomalyDetectorArn"], Action=action)
    return service


def request_of(operation, members):
    if operation.uri.startswith("/tags/"):
        keys = members.get("TagKeys")
        query = {"tagKeys": [str(key) for key in keys]} if isinstance(keys, list) else {}
        return Request(operation.method, f"/tags/{members['ResourceArn']}", query, {}, json.dumps({"tags": members.get("Tags")}).encode())
    return Request(operation.method, operation.uri, {}, {}, json.dumps(members).encode())


def restore(service, before):
    table = service.context.table
    for item in service.items():
        table.client.delete_item(TableName=table.name, Key=item, ReturnValues="NONE")
    for item in before:
        table.client.put_item(TableName=table.name, Item=item)


@pytest.mark.parametrize("name", sorted(MODEL.operations))
def test_any_input_gets_a_modelled_answer(watched, name):
    operation, before = MODEL.operations[name], watched.items()

    @FUZZ
    @given(members_of(MODEL.shapes[operation.input]))
    def fire(members):
        response = watched.call(request_of(operation, members))
        if response.status == operation.status:
            restore(watched, before)
            return
        error = response.headers["x-amzn-ErrorType"]
        assert error in operation.errors - {"InternalServerException"}, (members, response)
        assert response.status == MODEL.status_of(error)
        assert json.loads(response.body)["Message"]
        assert watched.items() == before

    fire()


@settings(FUZZ, max_examples=8 * FUZZ.max_examples)
@given(st.sampled_from(["GET", "POST", "DELETE", "PUT", "x"]), TEXT, st.binary(max_size=50))
def test_any_path_and_body_get_a_modelled_answer(service, method, path, body):
    for target in (path, f"/{path}", f"/tags/{path}", "/CreateAlert"):
        response = service.call(Request(method, target, {}, {}, body))
        assert response.status in (200, 400)
