"""Who calls, and whether their policies and the resource's own policy let them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.awslambda.utils import get_backend as lambda_backend
from moto.iam.access_control import AssumedRoleAccessKey, CreateAccessKeyFailure, IAMUserAccessKey, create_access_key
from moto.iam.models import Policy, iam_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.sts.models import sts_backends

from localaws.policy import Access, decide
from localaws.resources import Place


class NotAuthorizedError(Exception):
    """The caller may not do that; the text is what AWS says."""


@dataclass(frozen=True)
class Caller:
    """A caller and the policies that speak for it; every one of ``limits`` (session policy, boundary) must allow as well."""

    arn: str
    role_arn: str
    user_id: str
    policies: tuple[str, ...]
    limits: tuple[str, ...] = ()

    def context(self) -> dict[str, str]:
        """Return the condition keys that come from the caller."""
        return {"aws:principalarn": self.role_arn or self.arn, "aws:userid": self.user_id, "aws:principalaccount": self.arn.split(":")[4]}


class Guard:
    """Decides about calls; ``is_enforcing`` False lets everything pass."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.is_enforcing = True

    def caller(self, access_key_id: str, token: str | None) -> Caller:
        """Return who owns the key; raises ``NotAuthorizedError`` for a key that nobody owns."""
        headers = {"X-Amz-Security-Token": token} if token else {}
        try:
            key = create_access_key(self.place.account, self.place.partition, access_key_id, headers)
        except CreateAccessKeyFailure as error:
            raise NotAuthorizedError("The security token included in the request is invalid.") from error
        policies = tuple(_document(item) for item in key.collect_policies())
        if not isinstance(key, AssumedRoleAccessKey):
            return Caller(key.arn, "", key.arn.rsplit("/", 1)[-1], policies)
        session = sts_backends[self.place.account][self.place.partition].get_assumed_role_from_access_key(access_key_id)
        assert session is not None
        limits = (session.policy,) if session.policy else ()
        return Caller(key.arn, session.role_arn, session.user_id, policies, limits + self._boundary(session.role_arn))

    def principal(self, arn: str) -> Caller:
        """Return a user or role as it is by itself, without a session; raises ``KeyError`` for one that is not there."""
        backend = iam_backends[self.place.account][self.place.partition]
        kind, name = arn.rsplit(":", 1)[-1].split("/", 1)
        if kind == "role" and any(role.arn == arn for role in backend.roles.values()):
            return self.role(arn, "simulated")
        user = backend.users[name.rsplit("/", 1)[-1]] if kind == "user" else None
        if user is None:
            raise KeyError(arn)
        key = IAMUserAccessKey.__new__(IAMUserAccessKey)  # moto collects a user's policies for a key only
        key.account_id, key.partition, key._owner_user_name = self.place.account, self.place.partition, user.name
        return Caller(arn, "", user.id, tuple(_document(item) for item in key.collect_policies()))

    def identity_allows(self, caller: Caller, action: str, resource: str, context: Mapping[str, str]) -> bool | None:
        """What the caller's own policies and boundary say: True, False for a denial, None where nothing speaks of it."""
        access = Access(action, resource, caller.arn, {**self.surroundings(), **caller.context(), **context})
        verdicts = [decide(caller.policies, access), *(decide([limit], access) for limit in caller.limits)]
        return False if False in verdicts else None if None in verdicts else True

    def role(self, role_arn: str, session: str) -> Caller:
        """Return a role as a caller, for services that act under it."""
        backend = iam_backends[self.place.account][self.place.partition]
        found = backend.get_role_by_arn(role_arn)
        names = backend.list_role_policies(found.name)
        inline = [_document(backend.get_role_policy(found.name, name)[1]) for name in names]
        attached = [_document(item) for item in backend.list_attached_role_policies(found.name)[0]]
        arn = f"arn:{self.place.partition}:sts::{self.place.account}:assumed-role/{found.name}/{session}"
        return Caller(arn, role_arn, f"{found.id}:{session}", tuple(inline + attached), self._boundary(role_arn))

    def _boundary(self, role_arn: str) -> tuple[str, ...]:
        """Return the document of a role's permissions boundary, if it has one."""
        backend = iam_backends[self.place.account][self.place.partition]
        boundary = backend.get_role_by_arn(role_arn).permissions_boundary_arn
        return (_document(backend.managed_policies[boundary]),) if boundary else ()

    def check(self, caller: Caller, action: str, resources: Iterable[str], context: Mapping[str, str] | None = None) -> None:
        """Raise ``NotAuthorizedError`` unless the caller may do ``action`` on every resource."""
        for resource in resources:
            if not self.allows(caller, action, resource, context or {}):
                raise NotAuthorizedError(f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}")

    def allows(self, caller: Caller, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether the caller may do ``action`` on one resource."""
        if not self.is_enforcing or action == "sts:GetCallerIdentity":
            return True
        access = Access(action, resource, caller.arn, {**self.surroundings(), **caller.context(), **context})
        own = decide(caller.policies, access)
        theirs = decide(resource_policies(resource, self.place), access)
        if own is False or theirs is False or any(decide([limit], access) is not True for limit in caller.limits):
            return False
        if action == "sts:AssumeRole":
            return theirs is True and (own is True or _names_role(resource, caller, self.place))
        return own is True or theirs is True

    def service_may(self, service: str, action: str, resource: str, source_arn: str = "") -> bool:
        """Whether a resource's policy lets an AWS service in, such as S3 into a function."""
        if not self.is_enforcing:
            return True
        context = {**self.surroundings(), "aws:sourceaccount": self.place.account} | ({"aws:sourcearn": source_arn} if source_arn else {})
        return decide(resource_policies(resource, self.place), Access(action, resource, service, context)) is True

    def surroundings(self) -> dict[str, str]:
        """Return the condition keys every request has; local HTTP stands for TLS."""
        return {"aws:securetransport": "true", "aws:requestedregion": self.place.region, "s3:tlsversion": "1.3"}


def _document(policy: Any) -> str:
    if isinstance(policy, Policy):
        return str(next(version.document for version in policy.versions if version.is_default))
    return str(policy if isinstance(policy, str) else policy["policy_document"])


def _names_role(resource: str, caller: Caller, place: Place) -> bool:
    """Whether the trust policy names the caller's role itself, which needs no policy on the caller's side."""
    return any(f'"{caller.role_arn}"' in document for document in resource_policies(resource, place)) if caller.role_arn else False


def resource_policies(arn: str, place: Place) -> list[str]:
    """Return the policy documents attached to a resource (at most one), as JSON."""
    reader = _READERS.get(arn.split(":")[2] if arn.count(":") >= 5 else "")
    found = reader(arn, place) if reader else None
    if not found:
        return []
    return [found.decode() if isinstance(found, bytes) else found if isinstance(found, str) else json.dumps(found)]


def _of_bucket(arn: str, place: Place) -> Any:
    bucket = s3_backends[place.account][place.partition].buckets.get(arn.rsplit(":", maxsplit=1)[-1].split("/", maxsplit=1)[0])
    return bucket.policy if bucket else None


def _of_topic(arn: str, place: Place) -> Any:
    topic = sns_backends[place.account][place.region].topics.get(arn)
    return topic._policy_json if topic else None


def _of_queue(arn: str, place: Place) -> Any:
    queue = sqs_backends[place.account][place.region].queues.get(arn.rsplit(":", maxsplit=1)[-1])
    return queue.policy if queue else None


def _of_function(arn: str, place: Place) -> Any:
    name = arn.split(":")[6]
    functions = lambda_backend(place.account, place.region)._lambdas._functions
    if name not in functions or not (function := functions[name]["latest"]):
        return None
    return {"Statement": function.policy.statements}


def _of_secret(arn: str, place: Place) -> Any:
    secrets = secretsmanager_backends[place.account][place.region].secrets.values()
    return next((secret.policy for secret in secrets if secret.arn == arn), None)


def _of_role(arn: str, place: Place) -> Any:
    roles = iam_backends[place.account][place.partition].roles.values()
    return next((role.assume_role_policy_document for role in roles if role.arn == arn), None)


_READERS = {"s3": _of_bucket, "sns": _of_topic, "sqs": _of_queue, "lambda": _of_function, "secretsmanager": _of_secret, "iam": _of_role}
