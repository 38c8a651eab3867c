"""Two ways for an unmodified boto3 1.40.60 to sign for API Gateway, which takes only the scope execute-api."""

import os
import subprocess

import pytest

from l4m.api.service_model import MODELS

CALL = """
import boto3
from botocore.awsrequest import AWSResponse

client = boto3.client("lookoutmetrics", region_name="us-east-1", endpoint_url="https://service.example")
{hook}

def keep(request, **_):
    print(request.headers["Authorization"].decode())
    answer = AWSResponse(request.url, 200, {{}}, None)
    answer._content = b"{{}}"
    return answer

client.meta.events.register("before-send.lookoutmetrics", keep)
client.list_anomaly_detectors()
"""
HOOK = """
def sign_for_api_gateway(context, **_):
    context.setdefault("signing", {})["signing_name"] = "execute-api"

client.meta.events.register("choose-signer.lookoutmetrics", sign_for_api_gateway)
"""


@pytest.mark.parametrize(
    ("hook", "data_path", "scope"),
    [("", None, "lookoutmetrics"), (HOOK, None, "execute-api"), ("", MODELS, "execute-api")],
    ids=["as it is", "with a hook", "with our model"],
)
def test_scope_of_the_signature(old_python, hook, data_path, scope):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = kept | {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"} | ({"AWS_DATA_PATH": str(data_path)} if data_path else {})
    code = CALL.format(hook=hook)
    done = subprocess.run([old_python, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert f"/us-east-1/{scope}/aws4_request" in done.stdout
