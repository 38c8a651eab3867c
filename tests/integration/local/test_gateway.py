"""API Gateway: signed calls become events of payload version 2.0."""

import json
import urllib.error
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def call(cloud, path, method="POST", body=b"", keys=None, scope="execute-api"):
    env = cloud.environment()
    request = AWSRequest(method, cloud.endpoint + path, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(keys or Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]), scope, "us-east-1").add_auth(request)
    try:
        asked = urllib.request.Request(request.url, request.body, dict(request.headers), method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), json.loads(error.read())


def test_the_function_receives_path_query_body_and_caller(cloud, app):
    status, _, event = call(cloud, "/tags/arn%3Aaws%3Ax?a=1&a=2&b=", body=b'{"k": 1}')
    assert status == 200
    assert event["rawPath"] == "/tags/arn:aws:x"
    assert event["pathParameters"] == {"proxy": "tags/arn:aws:x"}
    assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert (event["body"], event["routeKey"]) == ('{"k": 1}', "ANY /{proxy+}")
    assert event["caller"].endswith(":user/admin")


def test_status_headers_and_body_are_the_functions(cloud, app):
    status, headers, body = call(cloud, "/teapot")
    assert (status, headers["x-reason"], body) == (418, "short", {"__type": "Teapot"})


def test_a_signature_for_the_old_service_is_refused_as_api_gateway_refuses_it(cloud, app):
    status, _, body = call(cloud, "/ListAlerts", scope="lookoutmetrics")
    assert (status, body) == (403, {"message": "Credential should be scoped to correct service: 'execute-api'."})


def test_a_signature_with_another_secret_is_refused(cloud, app):
    keys = Credentials(cloud.environment()["AWS_ACCESS_KEY_ID"], "not the secret")
    assert call(cloud, "/ListAlerts", keys=keys)[0] == 403


def test_a_caller_without_execute_api_invoke_is_refused(cloud, app):
    made = cloud.client("sts").assume_role(RoleArn=reader_role(cloud), RoleSessionName="test")["Credentials"]
    keys = Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert call(cloud, "/ListAlerts", keys=keys)[::2] == (403, {"message": "Forbidden"})


def test_a_role_may_be_limited_to_one_operation(cloud, app):
    iam, role = cloud.client("iam"), reader_role(cloud)
    api = app["ServiceEndpoint"].removeprefix("https://").split(".")[0]
    statement = {
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": f"arn:aws:execute-api:us-east-1:123456789012:{api}/*/POST/ListAlerts",
    }
    iam.put_role_policy(RoleName="reader", PolicyName="call", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    made = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    keys = Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert call(cloud, "/ListAlerts", keys=keys)[0] == 200
    assert call(cloud, "/DeleteAlert", keys=keys)[0] == 403
    iam.delete_role_policy(RoleName="reader", PolicyName="call")


def reader_role(cloud):
    iam = cloud.client("iam")
    trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}}
    try:
        return iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        return iam.get_role(RoleName="reader")["Role"]["Arn"]
