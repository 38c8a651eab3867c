"""Operations on tags."""

from __future__ import annotations

from typing import Any

from l4m.service.context import Context
from l4m.service.resources import tags

Members = dict[str, Any]


def list_tags_for_resource(context: Context, members: Members) -> Members:
    """The tags of a resource."""
    return {"Tags": dict(tags.list_tags(context, members["ResourceArn"]))}


def tag_resource(context: Context, members: Members) -> Members:
    """Add or change tags."""
    tags.tag_resource(context, members["ResourceArn"], members["Tags"])
    return {}


def untag_resource(context: Context, members: Members) -> Members:
    """Take tags off."""
    tags.untag_resource(context, members["ResourceArn"], members["TagKeys"])
    return {}
