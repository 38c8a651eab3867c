"""Runs in the environment of boto3 1.40.60, unmodified: makes the calls it is told to, one JSON line each way."""

import json
import sys
import time
from datetime import datetime

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

RETRIES = {"total_max_attempts": 1}


def plain(value: object) -> float:
    """Times as epoch seconds, so that they can be told from texts."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(type(value))


def answer(client: object, asked: dict) -> dict:
    """What a call brought: its result and how long it took, the service's error, or the client's own refusal."""
    begin = time.perf_counter()
    try:
        result = getattr(client, asked["operation"])(**asked["arguments"])
        return {"result": result, "seconds": time.perf_counter() - begin}
    except ClientError as error:
        return {"error": error.response, "class": type(error).__name__}
    except ParamValidationError as error:
        return {"refused": str(error)}


def sign_for_api_gateway(context: dict, **_: object) -> None:
    """Sign for the service that answers now: its own model signs for one that is gone, which API Gateway refuses."""
    context.setdefault("signing", {})["signing_name"] = "execute-api"


def main() -> None:
    """Answer until the caller hangs up; ``lax`` calls skip the client's own checks."""
    strict = boto3.client("lookoutmetrics", config=Config(retries=RETRIES))
    lax = boto3.client("lookoutmetrics", config=Config(retries=RETRIES, parameter_validation=False))
    for client in (strict, lax):
        client.meta.events.register("choose-signer.lookoutmetrics", sign_for_api_gateway)
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps(answer(lax if asked["lax"] else strict, asked), default=plain) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
