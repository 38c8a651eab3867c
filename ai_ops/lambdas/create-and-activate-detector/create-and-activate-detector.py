"""Second state of the machine: bring the detector, its metric set and its alert to what params.json says."""

from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

import parameters
from l4m.connector.crawl_state import StateStore
from l4m.connector.detector import DetectorSetup
from l4m.connector.machine import Patience, check_owner, detector_result, uploaded_params
from l4m.connector.params import Params
from loader import Loader

logger = Logger(service="create-and-activate-detector")
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the machine's state; return what it keeps as ``$.params.detector``."""
    logger.append_keys(correlation_id=event["version"])
    check = partial(check_owner, StateStore(loader.s3, event["bucket"]), event["version"])
    check()
    params = Params.from_dict(uploaded_params(event))
    setup = DetectorSetup(loader.lookoutmetrics, params, event["params"]["crawl"]["fingerprint"], check, event["version"])
    progress = setup.advance(activated=event["params"].get("detector", {}).get("activated", False))
    patience = Patience(
        parameters.whole_number("WAIT_SECONDS", 5),
        parameters.whole_number("LONGEST_WAIT_SECONDS", 60),
        parameters.whole_number("DETECTOR_LIMIT_SECONDS", 14400),
    )
    result = detector_result(event, progress, patience)
    logger.info("detector looked at", **result)
    return result
