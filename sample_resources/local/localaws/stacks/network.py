"""Parts of a network that moto's own types make but never delete."""

from collections.abc import Mapping
from typing import Any

from moto.core.common_models import CloudFormationModel

from localaws.stacks.resource import Deployed, only


class NetworkPart(Deployed):
    """What all of them share: nothing changes in place, and EC2 gives the id."""

    def update(self, old: Mapping[str, Any]) -> None:
        """Keep the part as it is."""

    @property
    def ec2(self) -> Any:
        """Return the client."""
        return self.cloud.client("ec2")


class RouteTable(NetworkPart, CloudFormationModel):
    """A route table; its routes are resources of their own."""

    TYPE = "AWS::EC2::RouteTable"
    FIXED = ("VpcId",)

    def create(self) -> None:
        """Create the table."""
        self.id = self.ec2.create_route_table(VpcId=self.properties["VpcId"])["RouteTable"]["RouteTableId"]
        self.attributes = {"RouteTableId": self.id}

    def remove(self) -> None:
        """Delete the table, after the endpoints that it leads to."""
        there = (item for item in self.ec2.describe_vpc_endpoints()["VpcEndpoints"] if item["State"] != "deleted")
        users = [item["VpcEndpointId"] for item in there if self.id in item.get("RouteTableIds", [])]
        if users:
            raise RuntimeError(f"{self.id} is used by {users}")
        self.ec2.delete_route_table(RouteTableId=self.id)


class InternetGateway(NetworkPart, CloudFormationModel):
    """The way to the internet."""

    TYPE = "AWS::EC2::InternetGateway"

    def create(self) -> None:
        """Create the gateway."""
        self.id = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.attributes = {"InternetGatewayId": self.id}

    def remove(self) -> None:
        """Delete the gateway, which has to be detached."""
        self.ec2.delete_internet_gateway(InternetGatewayId=self.id)


class GatewayAttachment(NetworkPart, CloudFormationModel):
    """The internet gateway of a VPC."""

    TYPE = "AWS::EC2::VPCGatewayAttachment"
    FIXED = ("VpcId", "InternetGatewayId")

    def create(self) -> None:
        """Attach the gateway."""
        self.ec2.attach_internet_gateway(**only(self.properties, "VpcId", "InternetGatewayId"))

    def remove(self) -> None:
        """Detach the gateway."""
        self.ec2.detach_internet_gateway(**only(self.properties, "VpcId", "InternetGatewayId"))


class Address(NetworkPart, CloudFormationModel):
    """A fixed public address."""

    TYPE = "AWS::EC2::EIP"
    FIXED = ("Domain",)

    def create(self) -> None:
        """Allocate the address."""
        made = self.ec2.allocate_address(Domain="vpc")
        self.id = made["PublicIp"]
        self.attributes = {"AllocationId": made["AllocationId"], "PublicIp": self.id}

    def remove(self) -> None:
        """Release the address, and detach it where something still holds it."""
        held = self.ec2.describe_addresses(AllocationIds=[self.attributes["AllocationId"]])["Addresses"][0]
        if "AssociationId" in held:
            self.ec2.disassociate_address(AssociationId=held["AssociationId"])
        self.ec2.release_address(AllocationId=self.attributes["AllocationId"])


class NatGateway(NetworkPart, CloudFormationModel):
    """The way out of a private subnet."""

    TYPE = "AWS::EC2::NatGateway"
    FIXED = ("AllocationId", "SubnetId")

    def create(self) -> None:
        """Create the gateway."""
        self.id = self.ec2.create_nat_gateway(**only(self.properties, "AllocationId", "SubnetId"))["NatGateway"]["NatGatewayId"]
        self.attributes = {"NatGatewayId": self.id}

    def remove(self) -> None:
        """Delete the gateway."""
        self.ec2.delete_nat_gateway(NatGatewayId=self.id)


class Endpoint(NetworkPart, CloudFormationModel):
    """The way to an AWS service without the internet."""

    TYPE = "AWS::EC2::VPCEndpoint"
    FIXED = ("VpcId", "ServiceName", "RouteTableIds")

    def create(self) -> None:
        """Create the endpoint."""
        kind = self.properties.get("VpcEndpointType", "Gateway")
        made = self.ec2.create_vpc_endpoint(VpcEndpointType=kind, **only(self.properties, *self.FIXED))
        self.id = made["VpcEndpoint"]["VpcEndpointId"]

    def remove(self) -> None:
        """Delete the endpoint."""
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[self.id])


class FlowLog(NetworkPart, CloudFormationModel):
    """What a network writes about refused packets."""

    TYPE = "AWS::EC2::FlowLog"
    FIXED = ("ResourceId", "TrafficType", "LogGroupName")
    GIVEN = ("ResourceType", "TrafficType", "LogDestinationType", "LogGroupName", "DeliverLogsPermissionArn")

    def create(self) -> None:
        """Create the log."""
        made = self.ec2.create_flow_logs(ResourceIds=[self.properties["ResourceId"]], **only(self.properties, *self.GIVEN))
        self.id = made["FlowLogIds"][0]

    def remove(self) -> None:
        """Delete the log."""
        self.ec2.delete_flow_logs(FlowLogIds=[self.id])
