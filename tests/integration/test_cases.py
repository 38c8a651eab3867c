"""Inputs whose right answer is known, by the hour and by five minutes: all of a file goes through detection."""

from pathlib import Path

import pytest
from tests.cases.runner import CASES, Case, faults_of, is_quick, name_of

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("case", [case for case in CASES if not is_quick(case)], ids=name_of)
def test_the_answer_is_right(case: Case, tmp_path: Path) -> None:
    assert faults_of(case, tmp_path) == []
