"""Run a case through the command line's code, and say what is wrong with the answer."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from l4m.cli import main

FOLDER = Path(__file__).parent
SECONDS = {"PT5M": 300, "PT15M": 900, "PT1H": 3_600, "P1D": 86_400}

Case = dict[str, Any]
CASES: list[Case] = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))


def is_quick(case: Case) -> bool:
    """Whether a case takes a second or two: days, or a file that is read or refused."""
    return case.get("quick", "P1D" in case["args"] or ("expect" not in case and "others" not in case))


def name_of(case: Case) -> str:
    """What a test is called."""
    return str(case["name"])


def instant(text: str) -> int:
    """Return the epoch second of an ISO instant in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def fits(one: dict[str, Any], want: dict[str, Any], step: int) -> bool:
    """Whether an incident is the wanted one."""
    start = instant(want["start"])
    return (
        start - step <= one["start"] <= start + want.get("late", 1) * step
        and one["end"] >= (instant(want["end"]) if "end" in want else 0)
        and ("until" not in want or one["end"] <= instant(want["until"]))
        and one["kind"] == want.get("kind", one["kind"])
        and one["direction"] == want.get("direction", one["direction"])
        and ("where" not in want or (bool(one["causes"]) and one["causes"][0]["dimensions"] == want["where"]))
    )


def faults_of(case: Case, folder: Path) -> list[str]:
    """Return what is wrong with the answer to a case; an incident file is written into ``folder``."""
    out = folder / "incidents.json"
    done = CliRunner().invoke(main, ["backtest", str(FOLDER / case["file"]), *case["args"], "--incidents", str(out)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    if done.exit_code and case.get("may_refuse"):
        return []
    if done.exit_code or not out.exists():
        return [f"exit {done.exit_code}: {done.output}"]
    rest = json.loads(out.read_text(encoding="utf-8"))["incidents"]
    step = SECONDS[case["args"][case["args"].index("--interval") + 1]]
    wrong = []
    for want in case.get("expect", []):
        hit = next((one for one in rest if fits(one, want, step)), None)
        if hit is None:
            wrong.append(f"not told: {want}")
        else:
            rest.remove(hit)
    if len(rest) > case.get("others", len(rest)):
        wrong.append(f"{len(rest)} more incidents, {case['others']} allowed")
    if "rows" in case and f"{case['rows']:,} rows" not in done.output:
        wrong.append(f"not {case['rows']:,} rows")
    wrong += [f"does not say /{one}/" for one in case.get("says", []) if not re.search(one, done.output)]
    wrong += [f"says /{one}/" for one in case.get("silent", []) if re.search(one, done.output)]
    return wrong
