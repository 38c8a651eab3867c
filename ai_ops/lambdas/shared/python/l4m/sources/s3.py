"""Files in S3, as users deliver them: one folder of history, one templated folder per interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from l4m.answers import Sample
from l4m.databases.statements import Phase
from l4m.errors import Fault, InvalidInput
from l4m.model import MetricSet, S3Source
from l4m.sources.paths import fixed_part
from l4m.sources.s3_files import S3File, download, fingerprint, list_history, list_intervals, list_under, read_head
from l4m.sources.s3_rules import metric_set_faults
from l4m.sources.source import HISTORY, Access, Delivered, Span, Ticket
from l4m.sources.tables.sniffing import parse_head
from l4m.sources.tables.table_spec import TableSpec

HEAD_BYTES = 1 << 18


@dataclass(frozen=True)
class S3:
    """The files that settings describe, read under the user's role."""

    settings: S3Source
    access: Access

    kind: ClassVar[str] = S3Source.kind
    needs_format: ClassVar[bool] = True

    @classmethod
    def faults(cls, metric_set: MetricSet, account: str) -> Iterator[Fault]:
        """Roles, paths and file formats."""
        yield from metric_set_faults(metric_set, account)

    @classmethod
    def start_faults(cls, settings: S3Source, task: str) -> Iterator[Fault]:
        """Either path can be left out, and is then missed."""
        if task == "learn" and settings.templated_path is None:
            message = "is missing from the metric set, so there is nothing to watch; a backtest needs none"
            yield Fault("source.templated_path", message)
        if task == "backtest" and settings.historical_path is None:
            yield Fault("source.historical_path", "is missing from the metric set, so there is nothing to test on")

    @classmethod
    def open(cls, settings: S3Source, access: Access) -> Self:
        """The files, none of which is looked at yet."""
        return cls(settings, access)

    def spec(self, spec: TableSpec) -> TableSpec:
        """As the settings say, the files are written."""
        return replace(spec, format=self.settings.format)

    def check(self) -> Iterator[Fault]:
        """Nothing: files may come later."""
        yield from ()

    def sample(self, rows: int) -> Sample:
        """Names of the columns and the first rows of the first file."""
        file, content = self.head()
        head = parse_head(content, self.settings.format, rows, file.size <= HEAD_BYTES)
        return Sample(head.columns, head.rows)

    def head(self) -> tuple[S3File, bytes]:
        """The first file, of history if there is any, and how it begins."""
        file = self._first_file()
        return file, read_head(self._client, file, HEAD_BYTES)

    def extent(self) -> Span | None:
        """All that lies under the historical path, whenever it was."""
        return Span() if self.settings.historical_path else None

    def has_news(self) -> bool:
        """Whether there is any file under what the folders of all intervals have in common."""
        template = self.settings.templated_path
        return bool(template) and next(list_under(self._client, fixed_part(str(template))), None) is not None

    def request(self, span: Span, spec: TableSpec, token: str) -> Ticket:
        """List the files of history, or those of intervals; the rows tell what of history is in the span."""
        if span.starts:
            template = self.settings.templated_path
            return Ticket(list_intervals(self._client, template, span.starts) if template else dict.fromkeys(span.starts, ()))
        path = str(self.settings.historical_path)
        files = list_history(self._client, path)
        if not files:
            raise InvalidInput(Fault("HistoricalDataPathList", f"there is no file in {path}"))
        return Ticket({HISTORY: files})

    def look(self, ticket: Ticket) -> Phase:
        """Files are there as soon as they are listed."""
        return Phase.FINISHED

    def deliver(self, ticket: Ticket, folder: Path) -> list[Delivered]:
        """Download them; one that was replaced since it was listed raises SourceUnavailable."""
        files = ticket.listed
        paths = download(self._client, files, folder)
        return [Delivered(path, f"s3://{file.bucket}/{file.key}") for path, file in zip(paths, files, strict=True)]

    def cancel(self, ticket: Ticket) -> None:
        """Nothing is at work."""

    def marks(self, ticket: Ticket) -> Mapping[int, str]:
        """Fingerprints of the listed files."""
        return {start: fingerprint(files) for start, files in ticket.files.items()}

    @property
    def _client(self) -> Any:
        return self.access.client("s3")

    def _first_file(self) -> S3File:
        template, history = self.settings.templated_path, self.settings.historical_path
        if history and (files := list_history(self._client, history)):
            return files[0]
        if template and (file := next(list_under(self._client, fixed_part(template)), None)):
            return file
        raise InvalidInput(Fault("S3SourceConfig", f"no file under {history or template}"))
