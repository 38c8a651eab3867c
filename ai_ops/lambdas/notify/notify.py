"""Last state of the machine: tell people how it ended, on the topic and beside params.json."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

import actions
import parameters
from l4m.connector.outcome import ending, last_state
from l4m.connector.status import StatusFile
from loader import Loader

SUBJECT_LENGTH = 100  # what SNS takes
logger = Logger(service="notify")
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the machine's whole state, good or bad, or the event that it was stopped; return the outcome."""
    state = last_state(event)
    logger.append_keys(correlation_id=state["version"])
    end = ending(state, actions.advise)
    loader.sns.publish(TopicArn=parameters.required("TOPIC_ARN"), Subject=end.subject[:SUBJECT_LENGTH], Message=end.text)
    is_latest = StatusFile(loader.s3, state["bucket"]).finish(state["version"], end.outcome, end.fields)
    logger.info("told how it ended", outcome=end.outcome, is_latest=is_latest)
    return {"outcome": end.outcome}
