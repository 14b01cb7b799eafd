"""What fuzzing found, each as an input: it is read, or refused in one line that can be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.fuzzing.target import CORPUS, Attempt
from scripts.fuzzing.targets import TARGETS
from simcore.errors import McusimError
from simcore.log_text import error_line

FOUND = sorted((CORPUS / "found").glob("*/*"))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_input_that_fuzzing_found_is_read_or_refused_in_a_line(
    path: Path, tmp_path: Path
) -> None:
    try:
        TARGETS[path.parent.name].run(path.read_bytes(), Attempt(tmp_path))
    except McusimError as error:
        line = error_line(str(error))
        assert line.isprintable()
        assert len(line) < 2_000
