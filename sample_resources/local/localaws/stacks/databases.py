"""Redshift as stacks describe it, where moto has no type of its own; the Data API answers for any cluster or workgroup."""

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from moto.core.common_models import CloudFormationModel

from localaws.stacks.resource import Deployed, is_true, number, only

CLUSTER = (
    *("ClusterType", "NodeType", "DBName", "MasterUsername", "MasterUserPassword", "IamRoles", "KmsKeyId"),
    *("ClusterParameterGroupName", "ClusterSubnetGroupName", "VpcSecurityGroupIds"),
)


class Cluster(Deployed, CloudFormationModel):
    """A provisioned cluster."""

    TYPE = "AWS::Redshift::Cluster"
    NAME = "ClusterIdentifier"

    def create(self) -> None:
        """Create the cluster."""
        switches = {
            key: is_true(self.properties[key])
            for key in ("PubliclyAccessible", "EnhancedVpcRouting", "Encrypted")
            if key in self.properties
        }
        made = self.cloud.client("redshift").create_cluster(
            ClusterIdentifier=self.name, Port=number(self.properties.get("Port", 5439)), **only(self.properties, *CLUSTER), **switches
        )["Cluster"]
        self.attributes = {"Endpoint.Address": made["Endpoint"]["Address"], "Endpoint.Port": str(made["Endpoint"]["Port"])}

    def update(self, old: Mapping[str, Any]) -> None:
        """Keep the cluster: nothing that can change in place matters here."""

    def remove(self) -> None:
        """Delete the cluster without a last snapshot."""
        self.cloud.client("redshift").delete_cluster(ClusterIdentifier=self.name, SkipFinalClusterSnapshot=True)


class ParameterGroup(Deployed, CloudFormationModel):
    """Settings of a cluster."""

    TYPE = "AWS::Redshift::ClusterParameterGroup"

    def create(self) -> None:
        """Create the group; its settings are not looked at here."""
        self.id = self.name = self.name.lower()
        given = {"ParameterGroupFamily": self.properties["ParameterGroupFamily"], "Description": self.properties["Description"]}
        self.cloud.client("redshift").create_cluster_parameter_group(ParameterGroupName=self.name, **given)

    def remove(self) -> None:
        """Delete the group."""
        self.cloud.client("redshift").delete_cluster_parameter_group(ParameterGroupName=self.name)


class SubnetGroup(Deployed, CloudFormationModel):
    """The subnets of a cluster."""

    TYPE = "AWS::Redshift::ClusterSubnetGroup"

    def create(self) -> None:
        """Create the group."""
        self.id = self.name = self.name.lower()
        given = {"Description": self.properties["Description"], "SubnetIds": self.properties["SubnetIds"]}
        self.cloud.client("redshift").create_cluster_subnet_group(ClusterSubnetGroupName=self.name, **given)

    def remove(self) -> None:
        """Delete the group."""
        self.cloud.client("redshift").delete_cluster_subnet_group(ClusterSubnetGroupName=self.name)


class SecretAttachment(Deployed, CloudFormationModel):
    """Adds to a secret where its cluster is."""

    TYPE = "AWS::SecretsManager::SecretTargetAttachment"

    def create(self) -> None:
        """Write the cluster's address into the secret."""
        cluster = self.cloud.client("redshift").describe_clusters(ClusterIdentifier=self.properties["TargetId"])["Clusters"][0]
        endpoint = cluster["Endpoint"]
        self._write(
            {
                "engine": "redshift",
                "host": endpoint["Address"],
                "port": endpoint["Port"],
                "dbClusterIdentifier": cluster["ClusterIdentifier"],
            }
        )
        self.id = self.properties["SecretId"]

    def remove(self) -> None:
        """Take the address out again, unless the secret went first."""
        with suppress(self.cloud.client("secretsmanager").exceptions.ResourceNotFoundException):
            self._write({}, "engine", "host")

    def _write(self, added: Mapping[str, Any], *taken: str) -> None:
        client = self.cloud.client("secretsmanager")
        content = json.loads(client.get_secret_value(SecretId=self.properties["SecretId"])["SecretString"])
        kept = {key: value for key, value in content.items() if key not in taken}
        client.put_secret_value(SecretId=self.properties["SecretId"], SecretString=json.dumps({**kept, **added}))


class Namespace(Deployed, CloudFormationModel):
    """The storage side of Redshift Serverless; there is nothing to make here."""

    TYPE = "AWS::RedshiftServerless::Namespace"
    NAME = "NamespaceName"

    def create(self) -> None:
        """Give it its ARN."""
        self.attributes = {"Namespace.NamespaceArn": self.cloud.place.arn("redshift-serverless", f"namespace/{uuid.uuid4()}")}

    def update(self, old: Mapping[str, Any]) -> None:
        """Keep the ARN."""

    def remove(self) -> None:
        """Nothing was made."""


class Workgroup(Deployed, CloudFormationModel):
    """The computing side of Redshift Serverless; there is nothing to make here."""

    TYPE = "AWS::RedshiftServerless::Workgroup"
    NAME = "WorkgroupName"

    def create(self) -> None:
        """Give it its ARN, as the Data API here checks it: with the name in place of an id."""
        self.attributes = {"Workgroup.WorkgroupArn": self.cloud.place.arn("redshift-serverless", f"workgroup/{self.name}")}

    def update(self, old: Mapping[str, Any]) -> None:
        """Keep the ARN."""

    def remove(self) -> None:
        """Nothing was made."""
