"""The grammar of UNLOAD and COPY, as far as it is used."""

import re
from dataclasses import dataclass

from localaws.warehouse.dialect import RedshiftError

TOKEN = re.compile(r"""\s*(?:'((?:[^']|'')*)'|\$\$(.*?)\$\$|"([^"]*)"|([A-Za-z_][\w.]*)|(\d+)|([(),;]))""", re.DOTALL)
UNLOAD_FLAGS = {
    "header",
    "csv",
    "gzip",
    "allowoverwrite",
    "cleanpath",
    "manifest",
    "addquotes",
    "escape",
    "parquet",
    "encrypted",
    "verbose",
}
COPY_FLAGS = {
    "csv",
    "gzip",
    "parquet",
    "explicit_ids",
    "emptyasnull",
    "blanksasnull",
    "removequotes",
    "truncatecolumns",
    "compupdate",
    "statupdate",
}
VALUED = {
    "delimiter",
    "kms_key_id",
    "null",
    "region",
    "parallel",
    "maxfilesize",
    "extension",
    "ignoreheader",
    "timeformat",
    "dateformat",
    "quote",
    "rowgroupsize",
    "maxerror",
    "encoding",
}


@dataclass(frozen=True)
class UnloadOptions:
    """An UNLOAD statement."""

    query: str
    bucket: str
    prefix: str
    role: str
    header: bool
    gzip: bool
    allowoverwrite: bool
    cleanpath: bool
    manifest: bool
    parallel: bool
    delimiter: str
    null: str
    extension: str
    format: str


@dataclass(frozen=True)
class CopyOptions:
    """A COPY statement."""

    table: str
    columns: list[str]
    bucket: str
    prefix: str
    role: str
    gzip: bool
    explicit_ids: bool
    skip: int
    delimiter: str
    null: str
    format: str


class _Reader:
    """Reads one token after the other; strings come without their quotes."""

    def __init__(self, sql: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        sql = sql.strip()
        while position < len(sql):
            found = TOKEN.match(sql, position)
            if not found:
                raise RedshiftError(f'syntax error at or near "{sql[position : position + 20].strip()}"')
            kind = next(index for index in range(1, 7) if found[index] is not None)
            text = found[kind].replace("''", "'") if kind == 1 else found[kind]
            self._tokens.append(({1: "text", 2: "text", 3: "name", 4: "word", 5: "number", 6: "mark"}[kind], text))
            position = found.end()
        if self._tokens and self._tokens[-1] == ("mark", ";"):
            self._tokens.pop()

    def next(self, *kinds: str) -> str:
        """Return the next token, which must be one of these kinds (or words)."""
        kind, text = self._tokens.pop(0) if self._tokens else ("", "end of input")
        if kind not in kinds and text.lower() not in kinds:
            raise RedshiftError(f'syntax error at or near "{text}"')
        return text

    def peek(self) -> str:
        """Return the next token in lower case without taking it; empty at the end."""
        return self._tokens[0][1].lower() if self._tokens else ""


def parse_unload(sql: str) -> UnloadOptions:
    """Parse UNLOAD; raises ``RedshiftError`` for what is wrong or not known here."""
    reader = _Reader(sql)
    reader.next("unload")
    reader.next("(")
    query = reader.next("text")
    reader.next(")")
    reader.next("to")
    bucket, prefix = _location(reader.next("text"))
    flags, values = _options(reader, UNLOAD_FLAGS)
    return UnloadOptions(
        query=query,
        bucket=bucket,
        prefix=prefix,
        role=_role(values),
        header="header" in flags,
        gzip="gzip" in flags,
        allowoverwrite="allowoverwrite" in flags,
        cleanpath="cleanpath" in flags,
        manifest="manifest" in flags,
        parallel=values.get("parallel", "on").lower() in ("on", "true"),
        delimiter=values.get("delimiter", "," if "csv" in flags else "|"),
        null=values.get("null", ""),
        extension=values.get("extension", "").lstrip("."),
        format="parquet" if "parquet" in flags else "csv",
    )


def parse_copy(sql: str) -> CopyOptions:
    """Parse COPY; raises ``RedshiftError`` for what is wrong or not known here."""
    reader = _Reader(sql)
    reader.next("copy")
    table = reader.next("word", "name").split(".")[-1]
    columns = []
    if reader.peek() == "(":
        reader.next("(")
        columns.append(reader.next("word", "name"))
        while reader.next(",", ")") == ",":
            columns.append(reader.next("word", "name"))
    reader.next("from")
    bucket, prefix = _location(reader.next("text"))
    flags, values = _options(reader, COPY_FLAGS)
    return CopyOptions(
        table=table,
        columns=columns,
        bucket=bucket,
        prefix=prefix,
        role=_role(values),
        gzip="gzip" in flags,
        explicit_ids="explicit_ids" in flags,
        skip=int(values.get("ignoreheader", "0")),
        delimiter=values.get("delimiter", "," if "csv" in flags else "|"),
        null=values.get("null", ""),
        format="parquet" if "parquet" in flags else "csv",
    )


def _options(reader: _Reader, known: set[str]) -> tuple[set[str], dict[str, str]]:
    flags: set[str] = set()
    values: dict[str, str] = {}
    while word := reader.peek():
        reader.next("word")
        if word in ("as", "format", "with"):
            continue
        if word == "iam_role":
            values["iam_role"] = reader.next("text", "default")
        elif word == "credentials":
            values["iam_role"] = reader.next("text").removeprefix("aws_iam_role=")
        elif word in VALUED:
            if reader.peek() == "as":
                reader.next("as")
            values[word] = reader.next("text", "number", "word")
        elif word in known:
            flags.add(word)
            if word in ("compupdate", "statupdate") and reader.peek() in ("on", "off"):
                reader.next("on", "off")
        else:
            raise RedshiftError(f'syntax error at or near "{word}" (or an option that is not known here)')
    return flags, values


def _location(url: str) -> tuple[str, str]:
    found = re.fullmatch(r"s3://([^/]+)/(.*)", url)
    if not found:
        raise RedshiftError(f"S3 location '{url}' is not valid")
    return found[1], found[2]


def _role(values: dict[str, str]) -> str:
    if not values.get("iam_role", "").startswith("arn:"):
        raise RedshiftError("IAM_ROLE with the ARN of a role is required")
    return values["iam_role"]
