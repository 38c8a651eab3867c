"""The command line `l4m`: each command's module is imported only when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

import click

from l4m.errors import InvalidInput, L4mError

COMMANDS = {
    "backtest": ("l4m.commands.backtest", "Find the incidents in a file of metrics."),
    "explain": ("l4m.commands.explain", "Find the causes in a table of actual and expected values."),
    "validate": ("l4m.commands.validate", "Check a params.json and name everything that is wrong with it."),
    "plan": ("l4m.commands.plan", "Show what a params.json would create, change and relearn."),
    "apply": ("l4m.commands.apply", "Make detector, metric set and alert what a params.json says."),
    "preflight": ("l4m.commands.preflight", "Tell whether an AWS account can take an installation; makes nothing."),
    "verify": ("l4m.commands.verify", "Tell whether an installation in AWS works: what passed, or what is missing."),
    "install-client": ("l4m.commands.install_client", "Give boto3 and the AWS CLI their lookoutmetrics client back."),
}  # name -> module with the click command ``command``, and its line in the help
FOR_AWS = ("aws_lambda_powertools", "boto3", "botocore", "jsonschema", "sqlglot")  # what the extra `aws` brings
EXTRAS = {**dict.fromkeys(FOR_AWS, "aws"), "pg8000": "postgresql"}
FAILED = 2  # exit code of everything a user can mend


class LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        if cmd_name not in COMMANDS:
            return None
        try:
            command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        except ModuleNotFoundError as error:
            raise _lacking(cmd_name, error) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error that the user can mend is told without a traceback."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise _lacking(ctx.invoked_subcommand, error) from error
        except L4mError as error:
            for line in error.faults if isinstance(error, InvalidInput) else (error,):
                click.echo(f"error: {line}", err=True)
            ctx.exit(FAILED)


def _lacking(command: str | None, error: ModuleNotFoundError) -> Exception:
    """What to say of a package that is not installed; a module of our own that is missing is a fault of ours."""
    package = (error.name or "").partition(".")[0]
    if package in EXTRAS:
        wheel = f"l4m-{version('l4m')}-py3-none-any.whl[{EXTRAS[package]}]"
        return click.ClickException(
            f"l4m {command} needs {package}, which is not installed; the wheel's extra brings it: pip install '{wheel}'"
        )
    return error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="l4m")
def main() -> None:
    """Anomaly detection and root cause for business metrics."""


if __name__ == "__main__":
    sys.exit(main())
