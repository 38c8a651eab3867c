"""`l4m explain`: find the combinations of dimension values behind a table's deviations from what was expected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from l4m.commands.arguments import find_files, split_names
from l4m.commands.incident_files import cause_document, write_json
from l4m.commands.incident_table import cell
from l4m.commands.wording import say_change, say_dimensions
from l4m.engine.results import Cause
from l4m.engine.root_cause.explain import explain
from l4m.sources.tables.cases import read_cases

Cases = Sequence[tuple[str, Sequence[Cause]]]


@click.command(short_help="Find the causes in a table of actual and expected values.")
@click.argument("table")
@click.option("--actual", required=True, metavar="COLUMN", help="Column of what came.")
@click.option("--expected", required=True, metavar="COLUMN", help="Column of what was to be expected.")
@click.option("--dimensions", required=True, metavar="A,B", help="Columns that tell the rows apart.")
@click.option("--case", metavar="COLUMN", help="Column that splits the table into cases; one case if not given.")
@click.option(
    "--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write the causes (JSON) instead of printing them so."
)
def command(table: str, *, actual: str, expected: str, dimensions: str, case: str | None, out: Path | None) -> None:
    """Find the causes in a table (CSV, JSON lines or Parquet, also gzipped) with one row per leaf: a path or a pattern."""
    cases = [
        (one.name, explain(one.codes, one.values, one.actual, one.expected))
        for one in read_cases(find_files([table]), actual, expected, split_names(dimensions), case)
    ]
    if out is None:
        click.echo(json.dumps(cause_document(cases), indent=1))
        return
    write_json(cause_document(cases), out)
    Console(highlight=False).print(_table(cases))


def _table(cases: Cases) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("case", "where", "share", "change"):
        table.add_column(name, justify="right" if name in ("share", "change") else "left")
    for case, causes in cases:
        for number, cause in enumerate(causes):
            where = cell(say_dimensions(cause.dimensions))
            table.add_row(cell("" if number else case), where, f"{cause.contribution:.1f} %", say_change(cause.change))
        if not causes:
            table.add_row(cell(case), "nothing that noise does not explain", "", "")
    return table
