"""Templates as CloudFormation would make them: transformed, conditions decided, references filled in."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from localaws.stacks.translation import Sources, translate

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "l4m",
}
GIVEN = {  # what has no default
    "RedshiftCluster": "shop",
    "RedshiftSecret": f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:shop-abcdef",
    "ServiceEndpoint": "https://abc.execute-api.eu-west-1.amazonaws.com",
    "ServiceApiArn": f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:abc",
    "ServiceRoleArn": f"arn:aws:iam::{ACCOUNT}:role/service",
    "SharedLayerArn": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:shared:1",
    "InputBucketName": "l4m-bucket",
    "SolutionRepository": "https://example.com/owner/repository.git",
}
ARNS = {  # of what a policy can name; others get a name that is no ARN
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SNS::Topic": f"sns:eu-west-1:{ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"sqs:eu-west-1:{ACCOUNT}:{{}}",
    "AWS::Lambda::Function": f"lambda:eu-west-1:{ACCOUNT}:function:{{}}",
    "AWS::DynamoDB::Table": f"dynamodb:eu-west-1:{ACCOUNT}:table/{{}}",
    "AWS::IAM::Role": f"iam::{ACCOUNT}:role/{{}}",
    "AWS::IAM::ManagedPolicy": f"iam::{ACCOUNT}:policy/{{}}",
    "AWS::Logs::LogGroup": f"logs:eu-west-1:{ACCOUNT}:log-group:{{}}:*",
    "AWS::StepFunctions::StateMachine": f"states:eu-west-1:{ACCOUNT}:stateMachine:{{}}",
    "AWS::SecretsManager::Secret": f"secretsmanager:eu-west-1:{ACCOUNT}:secret:{{}}-abcdef",
    "AWS::RedshiftServerless::Workgroup": f"redshift-serverless:eu-west-1:{ACCOUNT}:workgroup/{{}}",
}
REF_IS_ARN = {"AWS::SNS::Topic", "AWS::IAM::ManagedPolicy", "AWS::StepFunctions::StateMachine", "AWS::SecretsManager::Secret"}
ABSENT = object()


class Deployed:
    """One template under given parameters, where it has them: what would be made, and the rules that forbid it."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self.template = template
        defaults = {name: slot.get("Default") for name, slot in template.get("Parameters", {}).items()}
        given = {name: value for name, value in {**GIVEN, **parameters}.items() if name in defaults}
        self.values = {**defaults, **given, **PSEUDO}
        made = {name: body for name, body in template["Resources"].items() if self._holds(body.get("Condition"))}
        self.resources = {name: self.resolve(body) for name, body in made.items()}

    @property
    def broken(self) -> list[str]:
        """What the template's rules say against the parameters."""
        asked = [rule for rule in self.template.get("Rules", {}).values() if self.resolve(rule.get("RuleCondition", True))]
        assertions = [item for rule in asked for item in rule["Assertions"]]
        return [item["AssertDescription"] for item in assertions if not self.resolve(item["Assert"])]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of the resources of one type, by logical id."""
        return {name: body.get("Properties", {}) for name, body in self.resources.items() if body["Type"] == kind}

    def resolve(self, node: Any) -> Any:
        """A node without intrinsic functions; what is ``AWS::NoValue`` is left out."""
        if isinstance(node, list):
            return [item for item in map(self.resolve, node) if item is not ABSENT]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in FUNCTIONS:
                return FUNCTIONS[name](self, argument)
        return {key: item for key, item in ((key, self.resolve(item)) for key, item in node.items()) if item is not ABSENT}

    def _holds(self, condition: str | None) -> bool:
        return condition is None or bool(self.resolve(self.template["Conditions"][condition]))

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return ABSENT
        if name in self.values:
            return self.values[name]
        return self._attribute([name, "Arn"]) if self.template["Resources"][name]["Type"] in REF_IS_ARN else f"l4m-{name}"

    def _attribute(self, path: list[str]) -> str:
        pattern = ARNS.get(self.template["Resources"][path[0]]["Type"])
        return f"arn:aws:{pattern.format(f'l4m-{path[0]}'.lower())}" if pattern and "Arn" in path[1] else f"l4m-{'-'.join(path)}"


FUNCTIONS: dict[str, Callable[[Deployed, Any], Any]] = {
    "Ref": Deployed._ref,
    "Fn::GetAtt": Deployed._attribute,
    "Condition": Deployed._holds,
    "Fn::If": lambda self, given: self.resolve(given[1] if self._holds(given[0]) else given[2]),
    "Fn::Equals": lambda self, given: str(self.resolve(given[0])) == str(self.resolve(given[1])),
    "Fn::Not": lambda self, given: not self.resolve(given[0]),
    "Fn::And": lambda self, given: all(map(self.resolve, given)),
    "Fn::Or": lambda self, given: any(map(self.resolve, given)),
    "Fn::Join": lambda self, given: given[0].join(map(str, self.resolve(given[1]))),
    "Fn::Split": lambda self, given: self.resolve(given[1]).split(given[0]),
    "Fn::Select": lambda self, given: self.resolve(given[1])[int(given[0])],
    "Fn::GetAZs": lambda self, given: ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
    "Fn::Base64": lambda self, given: self.resolve(given),
}


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Deployed]:
    """``deployed("ai_ops/template.yaml", KmsKeyArn=…)``: what the template would make; each file is transformed once."""

    @cache
    def translated(path: str) -> dict[str, Any]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_DEFAULT_REGION", PSEUDO["AWS::Region"])
            return translate(ROOT / path, {}, Sources({}, {}, tmp_path_factory.mktemp("inline")))

    return lambda path, **parameters: Deployed(translated(path), parameters)
