"""A laptop's worth of AWS: moto answers the APIs, real runtimes run the handlers."""

from localaws.client import LocalAws, LocalAwsError

__all__ = ["LocalAws", "LocalAwsError"]
