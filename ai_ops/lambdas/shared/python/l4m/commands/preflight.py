"""`l4m preflight`: whether an account can take an installation, before anything is made: quotas, names, and the caller's rights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import click
from botocore.exceptions import BotoCoreError, ClientError

from l4m.commands.verify import LEAST_EXECUTIONS, Clients, Line, MissingError, tell

ROLES = 14  # that the three apps make
NEW_ACCOUNT_MEMORY = 3008
ASSUMED = re.compile(r"arn:[a-z-]+:sts::\d{12}:assumed-role/([^/]+)/.+")
RIGHTS = (  # one of each service whose resources are made
    *("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole"),
    *("lambda:CreateFunction", "lambda:PublishLayerVersion", "lambda:AddPermission", "s3:CreateBucket", "s3:PutBucketPolicy"),
    *("dynamodb:CreateTable", "states:CreateStateMachine", "apigateway:POST", "apigateway:TagResource", "events:PutRule"),
    *("scheduler:CreateScheduleGroup", "sns:CreateTopic", "sqs:CreateQueue", "logs:CreateLogGroup", "cloudwatch:PutMetricAlarm"),
)


@dataclass(frozen=True)
class Plan:
    """What is to be deployed where: the stack's name, the beginning of names, and the memory of detection."""

    clients: Clients
    stack: str
    name_prefix: str
    run_memory: int

    @property
    def prefix(self) -> str:
        """What names begin with."""
        return self.name_prefix or self.stack

    def caller(self) -> dict[str, str]:
        """Account and ARN of whoever calls."""
        answer = self.clients.client("sts").get_caller_identity()
        return {"account": answer["Account"], "arn": answer["Arn"]}

    def is_there(self) -> bool:
        """Whether the stack exists already, and the names are its own."""
        try:
            return bool(self.clients.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"])
        except ClientError as error:
            if "does not exist" in str(error):
                return False
            raise


def memory(plan: Plan) -> str:
    """No API tells how much memory an account's functions may have."""
    if plan.run_memory > NEW_ACCOUNT_MEMORY:
        return f"{plan.run_memory} MB, which a new account refuses; ask AWS's support for more first if this is one"
    return f"{plan.run_memory} MB, which every account allows"


def executions(plan: Plan) -> str:
    """Functions at once."""
    limits = plan.clients.client("lambda").get_account_settings()["AccountLimit"]
    free = limits.get("UnreservedConcurrentExecutions", limits["ConcurrentExecutions"])
    if free < LEAST_EXECUTIONS:
        raise MissingError(f"only {free} functions may run at once; ask for more in Service Quotas, or free what other functions reserve")
    return f"{free} functions at once"


def roles(plan: Plan) -> str:
    """Room for the roles that are made."""
    summary = plan.clients.client("iam").get_account_summary()["SummaryMap"]
    free = summary["RolesQuota"] - summary["Roles"]
    if free < ROLES and not plan.is_there():
        raise MissingError(f"room for {free} roles, and {ROLES} are made; ask for more in Service Quotas")
    return f"room for {free}"


def names(plan: Plan) -> str:
    """Nothing of another installation, or of one that was deleted and kept its data, has a name that is needed."""
    if plan.is_there():
        return f"the stack {plan.stack} is there, and is updated"
    taken = list(_taken(plan))
    if taken:
        raise MissingError(
            f"{', '.join(taken)} in the way: scripts/cleanup deletes them with their data, another NamePrefix leaves them alone"
        )
    return f"nothing begins with {plan.prefix}"


def _taken(plan: Plan) -> Iterator[str]:
    s3 = plan.clients.client("s3")
    bucket = f"{plan.prefix}-{s3.meta.region_name}-{plan.caller()['account']}"
    try:
        s3.head_bucket(Bucket=bucket)
        yield f"bucket {bucket}"
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            yield f"bucket {bucket} (of another account)"
    groups = plan.clients.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{plan.prefix}-")["logGroups"]
    yield from (f"log group {group['logGroupName']}" for group in groups)
    machines = plan.clients.client("stepfunctions").list_state_machines()["stateMachines"]
    wanted = {f"{plan.prefix}-deploy", f"{plan.prefix}-learn"}
    yield from (f"state machine {machine['name']}" for machine in machines if machine["name"] in wanted)


def rights(plan: Plan) -> str:
    """What the caller may do, by simulation; policies of the session and of organizations may still say no."""
    iam, caller = plan.clients.client("iam"), plan.caller()["arn"]
    if caller.endswith(":root"):
        return "the account's root may do everything; deploy as somebody else"
    if session := ASSUMED.fullmatch(caller):
        caller = iam.get_role(RoleName=session[1])["Role"]["Arn"]
    answers = iam.simulate_principal_policy(PolicySourceArn=caller, ActionNames=list(RIGHTS))["EvaluationResults"]
    if refused := [answer["EvalActionName"] for answer in answers if answer["EvalDecision"] != "allowed"]:
        raise MissingError(f"{caller} may not {', '.join(refused)}")
    return f"{caller} may make all that is made"


CHECKS = (memory, executions, roles, names, rights)


def preflight(plan: Plan) -> Iterator[Line]:
    """One line a check."""
    for check in CHECKS:
        try:
            yield Line(check.__name__, True, check(plan))
        except (MissingError, ClientError, BotoCoreError) as error:
            yield Line(check.__name__, False, str(error))


def read_parameters(given: tuple[str, ...]) -> dict[str, str]:
    """Parameters as `sam deploy --parameter-overrides` takes them: Name=Value."""
    faulty = [item for item in given if "=" not in item]
    if faulty:
        raise click.BadParameter(f"{faulty[0]!r} is not of the form Name=Value", param_hint="PARAMETERS")
    return dict(item.split("=", 1) for item in given)


@click.command("preflight")
@click.option("--stack", default="l4m", show_default=True, help="The name that the root's stack will have.")
@click.option("--json", "as_json", is_flag=True, help="Write the lines as JSON.")
@click.argument("parameters", nargs=-1)
@click.pass_context
def command(ctx: click.Context, stack: str, as_json: bool, parameters: tuple[str, ...]) -> None:
    """Tell whether this account can take an installation with these PARAMETERS (Name=Value): quotas, names, rights. It makes nothing."""
    from loader import Loader  # noqa: PLC0415 - asking for help needs no AWS

    given = read_parameters(parameters)
    memory_mb = given.get("RunMemory", str(NEW_ACCOUNT_MEMORY))
    if not memory_mb.isdecimal():
        raise click.BadParameter(f"RunMemory is not a number: {memory_mb!r}", param_hint="PARAMETERS")
    tell(ctx, list(preflight(Plan(Loader(), stack, given.get("NamePrefix", ""), int(memory_mb)))), as_json)
