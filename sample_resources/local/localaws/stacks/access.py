"""IAM: roles and policies."""

from collections.abc import Mapping
from typing import Any

from moto.core.common_models import CloudFormationModel

from localaws.stacks.resource import Deployed, document, only, tag_list


def policy(value: Any) -> str:
    """Return a policy's text; IAM takes one without a version, moto does not."""
    return document(value if isinstance(value, str) else {"Version": "2012-10-17", **value})


class Role(Deployed, CloudFormationModel):
    """A role with its own inline policies; those of ``AWS::IAM::Policy`` are left alone."""

    TYPE = "AWS::IAM::Role"
    NAME = "RoleName"
    FIXED = ("Path",)

    def create(self) -> None:
        """Create the role, its inline policies and attachments."""
        extra = only(self.properties, "Path", "Description", "PermissionsBoundary")
        if "MaxSessionDuration" in self.properties:
            extra["MaxSessionDuration"] = int(self.properties["MaxSessionDuration"])
        trust = policy(self.properties["AssumeRolePolicyDocument"])
        made = self.cloud.client("iam").create_role(
            RoleName=self.name, AssumeRolePolicyDocument=trust, Tags=tag_list(self.properties), **extra
        )
        self.attributes = {"Arn": made["Role"]["Arn"], "RoleId": made["Role"]["RoleId"]}
        self._put({})

    def update(self, old: Mapping[str, Any]) -> None:
        """Put trust and policies, remove those that are gone."""
        trust = policy(self.properties["AssumeRolePolicyDocument"])
        iam = self.cloud.client("iam")
        iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=trust)
        if boundary := self.properties.get("PermissionsBoundary"):
            iam.put_role_permissions_boundary(RoleName=self.name, PermissionsBoundary=boundary)
        elif old.get("PermissionsBoundary"):
            iam.delete_role_permissions_boundary(RoleName=self.name)
        self._put(old)

    def remove(self) -> None:
        """Delete the role with what it holds."""
        iam = self.cloud.client("iam")
        for name in iam.list_role_policies(RoleName=self.name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=self.name, PolicyName=name)
        for policy in iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=self.name, PolicyArn=policy["PolicyArn"])
        iam.delete_role(RoleName=self.name)

    def _put(self, old: Mapping[str, Any]) -> None:
        iam = self.cloud.client("iam")
        inline = {item["PolicyName"]: item["PolicyDocument"] for item in self.properties.get("Policies") or []}
        for name in {item["PolicyName"] for item in old.get("Policies") or []} - set(inline):
            iam.delete_role_policy(RoleName=self.name, PolicyName=name)
        for name, text in inline.items():
            iam.put_role_policy(RoleName=self.name, PolicyName=name, PolicyDocument=policy(text))
        attached = set(self.properties.get("ManagedPolicyArns") or [])
        for arn in set(old.get("ManagedPolicyArns") or []) - attached:
            iam.detach_role_policy(RoleName=self.name, PolicyArn=arn)
        for arn in sorted(attached):
            iam.attach_role_policy(RoleName=self.name, PolicyArn=arn)


class Policy(Deployed, CloudFormationModel):
    """An inline policy of roles made elsewhere."""

    TYPE = "AWS::IAM::Policy"

    def create(self) -> None:
        """Put the policy into every role."""
        for role in self.properties.get("Roles") or []:
            self.cloud.client("iam").put_role_policy(
                RoleName=role, PolicyName=self.properties["PolicyName"], PolicyDocument=policy(self.properties["PolicyDocument"])
            )
        self.id = self.properties["PolicyName"]

    def remove(self) -> None:
        """Take the policy out of every role that still exists."""
        iam = self.cloud.client("iam")
        for role in self.properties.get("Roles") or []:
            try:
                iam.delete_role_policy(RoleName=role, PolicyName=self.properties["PolicyName"])
            except iam.exceptions.NoSuchEntityException:
                continue


class ManagedPolicy(Deployed, CloudFormationModel):
    """A customer managed policy, attached to roles."""

    TYPE = "AWS::IAM::ManagedPolicy"
    NAME = "ManagedPolicyName"
    FIXED = ("Path", "Description")

    def create(self) -> None:
        """Create the policy and attach it."""
        made = self.cloud.client("iam").create_policy(
            PolicyName=self.name, PolicyDocument=policy(self.properties["PolicyDocument"]), **only(self.properties, "Path", "Description")
        )
        self.id = made["Policy"]["Arn"]
        self.attributes = {"PolicyArn": self.id}
        for role in self.properties.get("Roles") or []:
            self.cloud.client("iam").attach_role_policy(RoleName=role, PolicyArn=self.id)

    def update(self, old: Mapping[str, Any]) -> None:
        """Make the new text the default version; attach and detach."""
        iam = self.cloud.client("iam")
        for version in iam.list_policy_versions(PolicyArn=self.id)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=self.id, VersionId=version["VersionId"])
        iam.create_policy_version(PolicyArn=self.id, PolicyDocument=policy(self.properties["PolicyDocument"]), SetAsDefault=True)
        roles = set(self.properties.get("Roles") or [])
        before = set(old.get("Roles") or [])
        for role in before - roles:
            iam.detach_role_policy(RoleName=role, PolicyArn=self.id)
        for role in roles - before:
            iam.attach_role_policy(RoleName=role, PolicyArn=self.id)

    def remove(self) -> None:
        """Detach and delete the policy."""
        iam = self.cloud.client("iam")
        for role in iam.list_entities_for_policy(PolicyArn=self.id)["PolicyRoles"]:
            iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=self.id)
        iam.delete_policy(PolicyArn=self.id)
