"""What the options of the apps do to what is deployed: nothing unless they are given, and then everywhere."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOT_TEMPLATE = "template.yaml"
APPS = [
    "ai_ops/template.yaml",
    "ai_ops/l4m-service.yaml",
    "ai_ops/l4m-redshift-continuous-crawl.yaml",
    "ai_ops/l4m-postgresql-continuous-crawl.yaml",
]
KEY = "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
NAMESPACE = "arn:aws:redshift-serverless:eu-west-1:123456789012:namespace/01234567-89ab-cdef-0123-456789abcdef"
BOUNDARY = "arn:aws:iam::123456789012:policy/bounds"
NETWORK = {"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}
COMMON = {"NamePrefix", "LogRetentionDays", "XRayTracing", "SubnetIds", "SecurityGroupIds", "KmsKeyArn", "PermissionsBoundary"}
NAMES = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::CloudWatch::Dashboard": "DashboardName",
}

MOST_MEMORY_OF_A_NEW_ACCOUNT = 3008

each_app = pytest.mark.parametrize("app", APPS)


def functions(made: Any) -> dict[str, Any]:
    return made.of_type("AWS::Lambda::Function")


def attached(made: Any, function: dict[str, Any]) -> set[str]:
    """Names of the managed policies of a function's role."""
    role = made.of_type("AWS::IAM::Role")[_logical(made, function["Role"])]
    return {arn.rsplit("-", 1)[-1] for arn in role.get("ManagedPolicyArns", [])}


def _logical(made: Any, arn: str) -> str:
    return next(name for name in made.resources if arn.endswith(f"/l4m-{name}".lower()))


@each_app
def test_without_options_nothing_of_them_is_made(deployed, app):
    made = deployed(app)
    assert not {"KeyAccess", "NetworkAccess", "TraceAccess"} & made.resources.keys()
    for function in functions(made).values():
        assert "VpcConfig" not in function
        assert function["TracingConfig"] == {"Mode": "PassThrough"}
        assert attached(made, function) == set()
    assert all("PermissionsBoundary" not in role for role in made.of_type("AWS::IAM::Role").values())
    assert '"aws:kms"' not in json.dumps(made.resources)


@each_app
def test_given_subnets_hold_every_function_and_its_role_may_use_them(deployed, app):
    made = deployed(app, **NETWORK)
    assert functions(made)
    for function in functions(made).values():
        assert function["VpcConfig"] == {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
        assert attached(made, function) == {"networkaccess"}


@pytest.mark.parametrize("app", [*APPS, ROOT_TEMPLATE])
def test_subnets_and_security_groups_come_together_or_not_at_all(deployed, app):
    assert deployed(app).broken == []
    assert deployed(app, **NETWORK).broken == []
    assert deployed(app, SubnetIds="subnet-1").broken == ["SubnetIds needs SecurityGroupIds."]
    assert deployed(app, SecurityGroupIds="sg-1").broken == ["SecurityGroupIds needs SubnetIds."]


@pytest.mark.parametrize("app", [APPS[0], APPS[2], ROOT_TEMPLATE, "ai_ops/l4m-redshift-solution.yaml"])
def test_a_cluster_or_a_workgroup_is_named_and_not_both(deployed, app):
    assert deployed(app, RedshiftCluster="shop").broken == []
    assert deployed(app, RedshiftCluster="", RedshiftWorkgroup="shop", RedshiftNamespaceArn=NAMESPACE).broken == []
    assert deployed(app, RedshiftCluster="", RedshiftWorkgroup="").broken != []
    assert deployed(app, RedshiftCluster="shop", RedshiftWorkgroup="shop2").broken != []


def test_another_database_has_its_own_crawls_in_place_of_redshift_s(deployed):
    other = {"DatabaseType": "postgresql", "RedshiftCluster": "", "RedshiftWorkgroup": ""}
    connector = deployed(APPS[0], **other)
    assert connector.broken == []
    crawls = {name for name in functions(connector) if name.endswith("HistoricalCrawl")}
    assert crawls == {"PostgresqlHistoricalCrawl"}
    assert deployed(ROOT_TEMPLATE, **other).broken == []
    assert set(deployed(ROOT_TEMPLATE, **other).of_type("AWS::CloudFormation::Stack")) == {"Service", "Connector", "PostgresqlCrawl"}


@each_app
def test_tracing_reaches_every_function_and_the_state_machine(deployed, app):
    made = deployed(app, XRayTracing="true")
    for function in functions(made).values():
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert attached(made, function) == {"traceaccess"}
    for machine in made.of_type("AWS::StepFunctions::StateMachine").values():
        assert machine["TracingConfiguration"] == {"Enabled": True}


@each_app
def test_a_key_encrypts_what_is_kept_and_every_role_that_touches_it_may_use_it(deployed, app):
    made = deployed(app, KmsKeyArn=KEY)
    for bucket in made.of_type("AWS::S3::Bucket").values():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
        assert rule["BucketKeyEnabled"] is True
    for table in made.of_type("AWS::DynamoDB::Table").values():
        assert table["SSESpecification"]["KMSMasterKeyId"] == KEY
    assert all(attached(made, function) == {"keyaccess"} for function in functions(made).values())


def test_the_role_with_which_redshift_writes_may_use_the_key(deployed):
    role = deployed(APPS[0], KmsKeyArn=KEY).of_type("AWS::IAM::Role")["LookoutForMetricsRole"]
    assert [arn.rsplit("/", 1)[-1] for arn in role["ManagedPolicyArns"]] == ["l4m-keyaccess"]


@each_app
def test_a_boundary_bounds_every_role(deployed, app):
    roles = deployed(app, PermissionsBoundary=BOUNDARY).of_type("AWS::IAM::Role")
    assert {name: role.get("PermissionsBoundary") for name, role in roles.items()} == dict.fromkeys(roles, BOUNDARY)


@each_app
def test_a_prefix_begins_every_name_that_is_given(deployed, app):
    made = deployed(app, NamePrefix="shop")
    names = [properties[key] for kind, key in NAMES.items() for properties in made.of_type(kind).values() if key in properties]
    assert names
    assert all(name.rsplit("/", 1)[-1].startswith("shop") for name in names), names


def test_the_trigger_starts_the_machine_whatever_its_name(deployed):
    for options in ({}, {"NamePrefix": "shop"}):
        made = deployed(APPS[0], **options)
        started = functions(made)["S3Lambda"]["Environment"]["Variables"]["STEP_FUNCTIONS_ARN"]
        assert started.endswith(f":{made.of_type('AWS::StepFunctions::StateMachine')['DeployStateMachine']['StateMachineName']}")


@each_app
def test_logs_are_kept_for_the_days_given(deployed, app):
    groups = deployed(app, LogRetentionDays="7").of_type("AWS::Logs::LogGroup")
    assert {str(group["RetentionInDays"]) for group in groups.values()} == {"7"}


def test_the_root_offers_every_common_option_and_hands_it_to_every_app(deployed):
    made = deployed(ROOT_TEMPLATE)
    assert made.values.keys() >= COMMON
    for stack in made.of_type("AWS::CloudFormation::Stack").values():
        assert stack["Parameters"].keys() >= COMMON


def test_the_root_hands_on_what_a_large_detector_or_a_daily_crawl_needs(deployed):
    sizes = {"RunMemory": "10240", "RunStorage": "10000", "MaxSeries": "1000000", "EventBusName": "shop"}
    stacks = deployed(ROOT_TEMPLATE, **sizes, LateHours="26").of_type("AWS::CloudFormation::Stack")
    assert stacks["Service"]["Parameters"].items() >= sizes.items()
    assert stacks["Crawl"]["Parameters"]["LateHours"] == "26"


@pytest.mark.parametrize("app", [*APPS, ROOT_TEMPLATE])
def test_a_new_account_allows_the_memory_of_every_function(deployed, app):
    made = deployed(app)
    assert int(made.values.get("RunMemory", 0)) <= MOST_MEMORY_OF_A_NEW_ACCOUNT
    assert all(int(function.get("MemorySize", 128)) <= MOST_MEMORY_OF_A_NEW_ACCOUNT for function in functions(made).values())


def test_a_function_that_goes_on_in_another_invocation_of_its_own_may_do_so(deployed):
    made = deployed(APPS[1])
    assert functions(made)["RunDetection"]["RecursiveLoop"] == "Allow"


def test_a_new_account_learns_in_shards_and_waits_for_room(deployed):
    made = deployed(APPS[1])
    assert int(made.values["ShardsAtOnce"]) < 10, "of ten executions at a time some are left for the rest"
    states = json.loads((ROOT / "ai_ops/statemachine/learn.asl.json").read_text())["States"]
    assert states["Learn Shards"]["MaxConcurrencyPath"] == "$.at_once"
    tasks = [states["Join"], states["Advance"], states["Learn Shards"]["ItemProcessor"]["States"]["Learn Shard"]]
    for task in tasks:
        (retry,) = (item for item in task["Retry"] if "Lambda.TooManyRequestsException" in item["ErrorEquals"])
        waits = [
            min(retry["IntervalSeconds"] * retry["BackoffRate"] ** number, retry["MaxDelaySeconds"])
            for number in range(retry["MaxAttempts"])
        ]
        assert sum(waits) > 1800, "as long as a shard takes that holds what this one waits for"
        assert retry["JitterStrategy"] == "FULL"


def test_stages_have_names_of_their_own_whatever_the_command_line_overrides(deployed):
    stacks = deployed(ROOT_TEMPLATE).of_type("AWS::CloudFormation::Stack")
    assert {stack["Parameters"]["NamePrefix"] for stack in stacks.values()} == {"l4m"}, "the stack's name"
    stages = tomllib.loads((ROOT / "samconfig.toml").read_text())
    names = [stages[stage]["deploy"]["parameters"] for stage in ("default", "dev", "prod")]
    assert len({item["stack_name"] for item in names}) == 3
    assert all("parameter_overrides" not in item for item in names), "the command line's would replace them"


def test_logs_of_the_api_take_no_room_in_the_accounts_policy_for_logs(deployed):
    made = deployed(APPS[1])
    assert made.of_type("AWS::Logs::LogGroup")["ApiLogs"]["LogGroupName"].startswith("/aws/vendedlogs/")


@pytest.mark.parametrize("app", [APPS[0], APPS[2]])
def test_a_secret_under_a_key_of_ones_own_can_be_read(deployed, app):
    plain, given = deployed(app), deployed(app, SecretKmsKeyArn=KEY)
    assert '"kms:Decrypt"' not in json.dumps(plain.of_type("AWS::IAM::Role"))
    roles = [name for name, role in given.of_type("AWS::IAM::Role").items() if KEY in json.dumps(role)]
    readers = [name for name, role in given.of_type("AWS::IAM::Role").items() if "secretsmanager:GetSecretValue" in json.dumps(role)]
    assert roles == readers != []


@pytest.mark.parametrize(("app", "function"), [(APPS[0], "RedshiftHistoricalCrawl"), (APPS[2], "RedshiftContinuousCrawl")])
def test_redshift_is_told_the_buckets_key(deployed, app, function):
    assert functions(deployed(app, KmsKeyArn=KEY))[function]["Environment"]["Variables"]["KMS_KEY_ARN"] == KEY


def test_a_dashboard_can_be_done_without(deployed):
    assert deployed(APPS[1]).of_type("AWS::CloudWatch::Dashboard")
    assert not deployed(APPS[1], WithDashboard="false").of_type("AWS::CloudWatch::Dashboard")


def test_a_namespace_and_its_roles_are_named_or_not_touched(deployed):
    solution, copy = "ai_ops/l4m-redshift-solution.yaml", "arn:aws:iam::123456789012:role/copy"
    serverless = {"RedshiftCluster": "", "RedshiftWorkgroup": "shop"}
    assert deployed(solution, **serverless).broken == ["RedshiftWorkgroup needs RedshiftNamespaceArn"]
    made = deployed(solution, **serverless, RedshiftNamespaceArn=NAMESPACE, NamespaceRoleArns=f"{copy},{copy}2")
    statements = made.of_type("AWS::IAM::ManagedPolicy")["NotebookPolicy"]["PolicyDocument"]["Statement"]
    assert [item["Resource"] for item in statements if "redshift-serverless:UpdateNamespace" in item["Action"]] == [NAMESPACE]
    assert [copy, f"{copy}2"] in [item["Resource"] for item in statements if item["Action"] == "iam:PassRole"]


@pytest.mark.parametrize(
    ("database", "users"),
    [
        ({}, "arn:aws:redshift:eu-west-1:123456789012:dbuser:shop/*"),
        (
            {"RedshiftCluster": "", "RedshiftWorkgroup": "shop"},
            "arn:aws:redshift:eu-west-1:123456789012:dbuser:serverless-123456789012-*/*",
        ),
    ],
)
def test_redshift_takes_the_role_as_its_documentation_says(deployed, database, users):
    role = deployed(APPS[0], **database).of_type("AWS::IAM::Role")["LookoutForMetricsRole"]
    (trust,) = (item for item in role["AssumeRolePolicyDocument"]["Statement"] if "Service" in item["Principal"])
    assert trust["Principal"]["Service"] == ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]
    assert trust["Condition"] == {"StringLike": {"sts:ExternalId": users}}  # the only thing that it states, by its documentation


def test_the_same_parameter_takes_the_same_values_wherever_it_is_asked_for(deployed):
    seen: dict[str, Any] = {}
    for app in (*APPS, ROOT_TEMPLATE):
        for name, slot in deployed(app).template["Parameters"].items():
            rules = {key: value for key, value in slot.items() if key not in ("Description", "Default")}
            rules["AllowedPattern"] = rules.get("AllowedPattern", "").removeprefix("^$|")  # optional in one, needed in another
            assert seen.setdefault(name, rules) == rules, f"{name} of {app}"
