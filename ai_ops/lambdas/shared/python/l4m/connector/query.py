"""query.sql: one SELECT with named windows, checked as a tree, rendered as it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from sqlglot import Token, TokenType, exp, parse, tokenize
from sqlglot.errors import SqlglotError

from l4m.databases.database import Database
from l4m.errors import Fault, InvalidInput

START, END = "window_start", "window_end"


class InvalidQuery(InvalidInput):
    """query.sql cannot be used; the faults say why."""


class Query:
    """A checked query; ``columns`` are the names of its select list, in order."""

    def __init__(self, text: str, windows: Iterable[str], database: type[Database], columns: Iterable[str] = ()) -> None:
        tree = _one_select(text, database.dialect)
        shape = _shape_faults(tree, database.takes_limit)
        faults = [*_window_faults(tree, text, database.dialect, frozenset(windows)), *shape, *_column_faults(tree, tuple(columns))]
        if faults:
            raise InvalidQuery(*faults)
        self.text = text
        self.database = database
        self.columns = tuple(tree.named_selects)

    def render(self, **instants: datetime) -> str:
        """The SELECT with each window's bound as a typed literal in UTC; nothing else of the text is touched."""
        parts = []
        done = 0
        for name, start, end in _placeholders(self.text, self.database.dialect):
            parts += [self.text[done:start], self.database.literal(instants[name]) if name else ""]
            done = end
        return "".join([*parts, self.text[done:]]).strip()


@lru_cache(maxsize=8)  # a function has one query, and is called again and again; the tree is only read
def _one_select(text: str, dialect: str) -> exp.Query:
    try:
        trees = [tree for tree in parse(text, dialect=dialect) if tree is not None and not isinstance(tree, exp.Semicolon)]
    except SqlglotError as error:
        raise InvalidQuery(Fault("query.sql", f"cannot be parsed: {error}")) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise InvalidQuery(Fault("query.sql", "must be exactly one SELECT"))
    return trees[0]


def _window_faults(tree: exp.Query, text: str, dialect: str, allowed: frozenset[str]) -> list[Fault]:
    """A tree also knows the placeholders of drivers, such as %(name)s; rendered are those with a colon."""
    found = {node.name for node in tree.find_all(exp.Placeholder)}
    rendered = {name for name, _, _ in _placeholders(text, dialect)}
    unknown = [Fault("query.sql", f"has the unknown placeholder :{name}") for name in sorted(found - allowed)]
    missing = [Fault("query.sql", f"does not use :{name}") for name in sorted(allowed - rendered)]
    return unknown + missing


def _shape_faults(tree: exp.Query, takes_limit: bool) -> list[Fault]:
    faults = []
    if tree.find(exp.Into):
        faults.append(Fault("query.sql", "writes INTO a table: it may only read"))
    if tree.args.get("limit") and not takes_limit:
        faults.append(Fault("query.sql", "ends in a LIMIT or TOP, which this database's exports do not take"))
    if tree.is_star:
        faults.append(Fault("query.sql", "selects *: name the columns"))
    return faults


def _column_faults(tree: exp.Query, needed: tuple[str, ...]) -> list[Fault]:
    found = tree.named_selects
    absent = [] if tree.is_star else [name for name in needed if name not in found]
    twice = sorted({name for name in found if name != "*" and found.count(name) > 1})
    return [
        *(Fault("query.sql", f"does not deliver the column {name!r} that params.json names") for name in absent),
        *(Fault("query.sql", f"delivers the column {name!r} more than once") for name in twice),
    ]


def _placeholders(text: str, dialect: str) -> Iterator[tuple[str, int, int]]:
    tokens: list[Token] = tokenize(text, dialect=dialect)
    for token, name in zip(tokens, [*tokens[1:], None], strict=True):
        if token.token_type is TokenType.SEMICOLON:
            yield "", token.start, token.end + 1  # inside an export there is no statement to end
        elif token.token_type is TokenType.COLON and name and name.text in {START, END}:
            yield name.text, token.start, name.end + 1
