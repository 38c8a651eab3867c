"""params.json arrived in the bucket: check it and start the state machine, or say what is wrong with it."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

import parameters
from l4m.connector.upload import Reception
from l4m.databases.database import Target
from loader import Loader

Logger(service="s3lambda")  # what Reception logs goes through it
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take S3's event; return the executions that its uploads belong to, None for a refused one."""
    reception = Reception(
        s3=loader.s3,
        secretsmanager=loader.secretsmanager,
        stepfunctions=loader.stepfunctions,
        sns=loader.sns,
        machine_arn=parameters.required("STEP_FUNCTIONS_ARN"),
        topic_arn=parameters.required("TOPIC_ARN"),
        target=Target(parameters.optional("REDSHIFT_CLUSTER"), parameters.optional("REDSHIFT_WORKGROUP")),
        key=parameters.required("PARAMS_FILE"),
        database_type=parameters.required("DATABASE_TYPE"),
    )
    uploads = [record["s3"] for record in event.get("Records", ()) if record["s3"]["object"]["key"] == reception.key]
    executions = [reception.receive(upload["bucket"]["name"]) for upload in uploads]
    return {"executions": executions}
