"""scripts/_venv with stand-ins for uv and Python: what it makes, says and leaves alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.programs import CHECKOUT

UV = """#!/bin/sh
echo "$*" >>"$TOLD"
case $1 in
venv)
    mkdir -p .venv/bin .venv/lib/python3/site-packages/some-1.dist-info
    ln -s "$REAL" .venv/bin/python ;;
esac
"""
PYTHON = """#!/bin/sh
case $* in
*-m\\ venv*) echo "$*" >>"$TOLD"; mkdir -p .venv/bin .venv/lib; cp "$0" .venv/bin/python ;;
*-m\\ pip\\ install*)
    echo "$*" >>"$TOLD"
    [ ! -e "$TOLD.fail" ] || exit 1
    echo "  Building editable for mcusim (pyproject.toml): started"
    echo "Installing collected packages: click, mcusim" ;;
*--version*) echo Python 3.99 ;;
*-m\\ pip*) ;;
*) exec "$REAL" "$@" ;;
esac
"""
#: What scripts/_venv and the stand-ins run. A uv of this machine must not be among it.
COMMANDS = (
    "as", "cat", "cc", "cksum", "cp", "cut", "date", "dirname", "du", "find", "ld", "ln", "mkdir",
    "rm", "sed", "sh", "sort", "wc",
)  # fmt: skip


@dataclass
class Clone:
    """A checkout with a name that needs quoting, and what was asked of the stand-ins."""

    path: Path
    tools: Path
    told: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", str(self.path / "scripts" / "_venv"), *arguments],
            cwd=self.path.parent,
            env={
                "PATH": str(self.tools),
                "PYTHON": "stand-in",
                "TOLD": str(self.told),
                "REAL": sys.executable,
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            text=True,
            capture_output=True,
            check=False,
        )

    def asked(self) -> list[str]:
        """What was asked since the last time."""
        lines = self.told.read_text().splitlines() if self.told.exists() else []
        self.told.unlink(missing_ok=True)
        return lines


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    path, tools = tmp_path / "mc usim-ü" / "clone", tmp_path / "tools"
    for part in ("scripts/_venv", "pyproject.toml", "simcore/__init__.py", "simcore/native/core.h"):
        (path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / part, path / part)
    tools.mkdir()
    for name in COMMANDS:
        (tools / name).symlink_to(shutil.which(name) or "/missing")
    (tools / "stand-in").write_text(PYTHON)
    (tools / "stand-in").chmod(0o755)
    return Clone(path, tools, tmp_path / "told")


def with_uv(clone: Clone) -> None:
    (clone.tools / "uv").write_text(UV)
    (clone.tools / "uv").chmod(0o755)


def test_uv_is_used_where_it_is_installed(clone: Clone) -> None:
    with_uv(clone)
    done = clone.run("test")
    assert done.returncode == 0, done.stderr
    assert clone.asked() == [
        "venv --quiet --python stand-in .venv",
        "pip install --quiet --python .venv/bin/python --editable .[test]",
    ]
    assert done.stdout == ""
    steps = done.stderr.splitlines()
    assert steps[:3] == [
        "mcusim: making .venv with Python 3.99, by uv",
        "mcusim: building the C core and installing mcusim[test] with its packages",
        "mcusim: compiling its modules",
    ]
    assert steps[3].startswith("mcusim: ready after ")
    assert steps[3].endswith(" MB in .venv")
    assert ": 1 packages, " in steps[3]


def test_modules_are_compiled_although_bytecode_is_not_to_be_kept(clone: Clone) -> None:
    with_uv(clone)
    clone.run("test")
    assert len([*clone.path.glob("simcore/__pycache__/__init__.*.pyc")]) == 1


def test_pip_does_it_otherwise_and_its_steps_are_told(clone: Clone) -> None:
    done = clone.run()
    assert done.returncode == 0, done.stderr
    assert [line.partition(" --")[0] for line in clone.asked()] == [
        "-m venv .venv",
        "-m pip install",
    ]
    assert done.stdout == ""
    assert done.stderr.splitlines()[:-1] == [
        "mcusim: making .venv with Python 3.99, by pip",
        "mcusim: installing mcusim",
        "mcusim: building the C core",
        "mcusim: installing click, mcusim",
        "mcusim: compiling its modules",
    ]


def test_nothing_is_said_or_done_when_nothing_is_to_do(clone: Clone) -> None:
    with_uv(clone)
    clone.run("test")
    clone.asked()
    for extra in ("test", "advise", "study", ""):
        done = clone.run(*([extra] if extra else []))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert clone.asked() == []


def test_a_larger_extra_comes_into_the_same_environment(clone: Clone) -> None:
    with_uv(clone)
    for extra in ("", "study", "advise", "test", "dev"):
        clone.asked()
        assert clone.run(*([extra] if extra else [])).returncode == 0
        asked = clone.asked()
        assert asked[-1].endswith(f"--editable .{f'[{extra}]' if extra else ''}")
        assert len(asked) == (2 if not extra else 1)


@pytest.mark.parametrize("changed", ["pyproject.toml", "simcore/native/core.h", "simcore/new.py"])
def test_it_is_brought_up_to_date_when_what_is_installed_changes(
    clone: Clone, changed: str
) -> None:
    with_uv(clone)
    clone.run("test")
    with (clone.path / changed).open("a") as file:
        file.write("\n# changed\n")
    clone.asked()
    assert clone.run().returncode == 0
    assert clone.asked() == ["pip install --quiet --python .venv/bin/python --editable ."]


def test_a_moved_checkout_is_installed_anew(clone: Clone) -> None:
    with_uv(clone)
    clone.run()
    clone.asked()
    clone.path = clone.path.rename(clone.path.with_name("moved"))
    assert clone.run().returncode == 0
    assert len(clone.asked()) == 1


def test_an_installation_that_fails_is_no_success_and_is_tried_again(clone: Clone) -> None:
    (clone.told.with_name("told.fail")).touch()
    assert clone.run().returncode == 2
    (clone.told.with_name("told.fail")).unlink()
    clone.asked()
    assert clone.run().returncode == 0
    assert clone.asked() != []


def test_an_environment_whose_python_is_gone_is_made_anew(clone: Clone) -> None:
    with_uv(clone)
    clone.run()
    python = clone.path / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere")
    clone.asked()
    assert clone.run().returncode == 0
    assert len(clone.asked()) == 2
