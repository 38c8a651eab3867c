"""Small inputs whose right answer is known: days, and text files as people have them."""

from pathlib import Path

import pytest
from tests.cases.runner import CASES, Case, faults_of, is_quick, name_of


@pytest.mark.parametrize("case", [case for case in CASES if is_quick(case)], ids=name_of)
def test_the_answer_is_right(case: Case, tmp_path: Path) -> None:
    assert faults_of(case, tmp_path) == []


def test_every_case_has_its_file() -> None:
    files = {case["file"] for case in CASES}
    folder = Path(__file__).parents[2] / "cases"
    assert files == {str(path.relative_to(folder)) for path in (folder / "files").iterdir()}
