"""ModifyClusterIamRoles, which moto leaves out: which roles a cluster may assume for COPY and UNLOAD."""

from moto.core.responses import ActionResult
from moto.redshift.responses import RedshiftResponse


def modify_cluster_iam_roles(self: RedshiftResponse) -> ActionResult:
    """Add and remove roles; they are in sync at once."""
    cluster = self.redshift_backend.describe_clusters(self._get_param("ClusterIdentifier"))[0]
    taken = set(self._get_param("RemoveIamRoles", []))
    kept = [role for role in cluster.iam_roles_arn if role not in taken]
    cluster.iam_roles_arn = list(dict.fromkeys([*kept, *self._get_param("AddIamRoles", [])]))
    return ActionResult({"Cluster": cluster})


def install() -> None:
    """Let moto's Redshift answer the operation."""
    RedshiftResponse.modify_cluster_iam_roles = modify_cluster_iam_roles
