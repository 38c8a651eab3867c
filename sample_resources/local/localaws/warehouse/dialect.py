"""From Redshift's SQL to DuckDB's, with sqlglot and what it leaves over."""

import re
from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

PLACEMENT = re.compile(
    r"('(?:[^']|'')*')|\b(?:(?:dist|sort)key\b(?!\s*\()|encode\s+\w+)", re.IGNORECASE
)  # of a column; sqlglot does not know all
DROPPED = (
    exp.DistKeyProperty, exp.DistStyleProperty, exp.SortKeyProperty, exp.EncodeProperty,
)  # fmt: skip
UNENFORCED = (
    exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.EncodeColumnConstraint, exp.Reference,
)  # fmt: skip


class RedshiftError(Exception):
    """An error in Redshift's own words, without the leading ERROR."""


def to_duckdb(sql: str, remembered: Mapping[str, int], parameters: Mapping[str, str] | None = None) -> list[str]:
    """Return the DuckDB statements for one Redshift statement; ``remembered`` gives values of functions of the session."""
    if re.match(r"\s*create\b.*?\btable\b", sql, re.IGNORECASE):
        sql = PLACEMENT.sub(lambda found: found[1] or "", sql)
    try:
        parsed = [item for item in sqlglot.parse(sql, read="redshift") if item is not None]
    except (ParseError, TokenError) as error:
        raise RedshiftError(_syntax_error(error)) from error
    if len(parsed) != 1:
        raise RedshiftError("cannot insert multiple commands into a prepared statement")
    tree = parsed[0].transform(_replace, remembered, parameters or {}, copy=False)
    if isinstance(tree, exp.Command) and tree.name.upper() in ("ANALYZE", "VACUUM", "GRANT", "REVOKE"):
        return []
    if isinstance(tree, exp.Create) and tree.kind == "TABLE":
        return _create_table(tree)
    return [tree.sql(dialect="duckdb", copy=False)]


def _syntax_error(error: Exception) -> str:
    found = getattr(error, "errors", None) or [{}]
    near = found[0].get("highlight")
    return f'syntax error at or near "{near}"' if near else f"syntax error: {str(error).splitlines()[0]}"


def _replace(node: exp.Expression, remembered: Mapping[str, int], parameters: Mapping[str, str]) -> exp.Expression:
    if isinstance(node, exp.Anonymous) and node.name.lower() in remembered:
        return exp.Literal.number(remembered[node.name.lower()])
    if isinstance(node, exp.Placeholder) and node.name:
        if node.name not in parameters:
            raise RedshiftError(f"there is no parameter :{node.name}")
        return exp.Literal.string(parameters[node.name])
    if isinstance(node, exp.CurrentTimestamp):
        return exp.cast(exp.CurrentTimestamp(), exp.DataType.Type.TIMESTAMP) if not isinstance(node.parent, exp.Cast) else node
    return node


def _create_table(tree: exp.Create) -> list[str]:
    """Drop what Redshift does not enforce or only uses to place data; identity columns become sequences."""
    properties = tree.args.get("properties")
    if properties:
        kept = [item for item in properties.expressions if not isinstance(item, DROPPED)]
        tree.set("properties", exp.Properties(expressions=kept) if kept else None)
    if not isinstance(tree.this, exp.Schema):
        return [tree.sql(dialect="duckdb", copy=False)]
    table = tree.this.this.name
    columns = []
    before = []
    for column in tree.this.expressions:
        if not isinstance(column, exp.ColumnDef):
            continue  # table constraints: Redshift takes them as hints for the planner
        before += _replace_constraints(table, column)
        columns.append(column)
    tree.this.set("expressions", columns)
    return [*before, tree.sql(dialect="duckdb", copy=False)]


def _replace_constraints(table: str, column: exp.ColumnDef) -> list[str]:
    """Keep the constraints that Redshift enforces; return the statements that an identity column needs before."""
    constraints = []
    before = []
    for constraint in column.args.get("constraints") or []:
        kind = constraint.args.get("kind")
        if isinstance(kind, exp.GeneratedAsIdentityColumnConstraint):
            sequence = identity_sequence(table, column.name)
            start = kind.args.get("start") or 1
            step = kind.args.get("increment") or 1
            before.append(f'CREATE SEQUENCE IF NOT EXISTS "{sequence}" START {start} INCREMENT {step}')
            default = sqlglot.parse_one(f"nextval('{sequence}')", read="duckdb")
            constraints.append(exp.ColumnConstraint(kind=exp.DefaultColumnConstraint(this=default)))
        elif not isinstance(kind, UNENFORCED):
            constraints.append(constraint)
    column.set("constraints", constraints)
    return before


def identity_sequence(table: str, column: str) -> str:
    """Return the name of the sequence behind an identity column."""
    return f"{table}_{column}_identity"
