"""The action for GitHub and the template for GitLab, their scripts run as a CI runs them.

A shallow clone that the script's user may not write to, in a sub-folder, with the variables that
each CI sets. Only the installation is left out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import junitparser
import pytest
import yaml

from tests.integration.programs import CHECKOUT
from tests.integration.test_check import BODY_LINE, PLAIN, SLOW, Repository
from tests.tools import GUARD_S, needs

ACTION = CHECKOUT / ".github" / "actions" / "mcusim" / "action.yml"
TEMPLATE = CHECKOUT / ".gitlab" / "mcusim.gitlab-ci.yml"


class Clone:
    """A shallow clone of a repository whose last commit is slower than its baseline."""

    def __init__(self, folder: Path, arm_gcc: Callable[..., Path]) -> None:
        needs("git", "git")
        source = folder / "source"
        (source / "firmware").mkdir(parents=True)
        made = Repository(source / "firmware", arm_gcc)
        (source / "firmware" / ".git").rename(source / ".git")
        made.folder = source / "firmware"
        made.commit("A kernel", PLAIN)
        assert made.check("kernel.elf", "--save-baseline", "main").returncode == 0
        made.commit("Its baseline")
        made.commit("Divide", SLOW)
        self.root = folder / "clone"
        command = ["git", "clone", "--quiet", "--depth", "1", source.as_uri(), str(self.root)]
        subprocess.run(command, check=True)
        (self.root / "firmware" / "build").mkdir()
        shutil.copy(
            source / "firmware" / "kernel.elf", self.root / "firmware" / "build" / "kernel.elf"
        )
        self.commit = made.git("rev-parse", "HEAD").strip()
        source.rename(folder / "gone")  # where the ELF was built is another machine
        self.outside = folder / "runner"
        self.outside.mkdir()

    def run(self, script: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """The script in bash, with nothing of the repository to be written to."""
        bin_folder = Path(sys.executable).parent
        path = os.pathsep.join([str(bin_folder), os.environ["PATH"]])
        # Root may write anywhere: tests of it run in containers, so the files' modes say it all.
        reports = self.root / "mcusim-reports"  # GitLab takes artifacts from below the checkout
        found = [file for file in self.root.rglob("*") if file != reports]
        before = {file: file.stat().st_mtime_ns for file in found}
        for file in before:
            file.chmod(file.stat().st_mode & ~0o222)
        try:
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
                cwd=variables.pop("PWD"),
                env={"PATH": path, "HOME": str(self.outside), "PYTHONPATH": str(CHECKOUT),
                     "MCUSIM_CACHE": "off", "CI": "true", **variables},
                capture_output=True, text=True, timeout=GUARD_S, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        finally:
            for file in before:
                file.chmod(file.stat().st_mode | 0o200)
        assert before == {file: file.stat().st_mtime_ns for file in before}
        return done


@pytest.fixture
def clone(tmp_path: Path, arm_gcc: Callable[..., Path]) -> Clone:
    return Clone(tmp_path, arm_gcc)


def test_the_action_annotates_the_line_and_leaves_its_reports(clone: Clone) -> None:
    step: dict[str, Any] = yaml.safe_load(ACTION.read_text())["runs"]["steps"][-1]
    given = {
        "inputs.elfs": "'build/*.elf'", "inputs.baseline": "main",
        "runner.temp": str(clone.outside),
        "inputs.options": "--limit 'cycles=2%' --jobs 1", "inputs.working-directory": "firmware",
    }  # fmt: skip

    def filled(text: str) -> str:
        for name, value in given.items():
            text = text.replace(f"${{{{ {name} }}}}", value)
        assert "${{" not in text
        return text

    summary, output = clone.outside / "summary.md", clone.outside / "output"
    done = clone.run(
        step["run"],
        {name: filled(text) for name, text in step["env"].items()}
        | {
            "PWD": str(clone.root / filled(step["working-directory"])),
            "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(clone.root),
            "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output),
            "GITHUB_SHA": clone.commit,
        },
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    first = done.stdout.splitlines()[0]
    assert first.startswith(
        f"::error file=firmware/src/kernel.c,line={BODY_LINE},title=mcusim%3A kernel::cycles +"
    )
    assert "1 run against baseline 'main'" in done.stdout  # the report, behind the annotations
    assert "### ❌ kernel" in summary.read_text()
    reports = clone.outside / "mcusim"
    assert output.read_text() == f"reports={reports}\n"
    (result,) = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in json.loads((reports / "mcusim.sarif").read_text())["runs"][0]["results"]
    }
    assert result == "firmware/src/kernel.c"
    assert {file.name for file in reports.iterdir()} == {
        "check.txt", "check.json", "junit.xml", "mcusim.sarif",
    }  # fmt: skip


def test_the_gitlab_job_leaves_a_junit_report_below_the_project(clone: Clone) -> None:
    job = yaml.safe_load(TEMPLATE.read_text())[".mcusim-check"]
    reports = clone.root / "mcusim-reports"
    reports.mkdir()
    variables = job["variables"] | {
        "MCUSIM_ELFS": "'build/*.elf'", "MCUSIM_BASELINE": "main", "MCUSIM_FOLDER": "firmware",
        "MCUSIM_OPTIONS": "--limit 'cycles=2%' --jobs 1", "CI_PROJECT_DIR": str(clone.root),
        "GITLAB_CI": "true", "CI_COMMIT_SHA": clone.commit, "PWD": str(clone.root),
    }  # fmt: skip
    done = clone.run("\n".join(job["script"]), variables)
    assert done.returncode == 3, done.stderr
    assert "1 run against baseline 'main'" in done.stdout
    (suite,) = junitparser.JUnitXml.fromfile(str(clone.root / job["artifacts"]["reports"]["junit"]))
    broken = [case for case in suite if case.result]
    assert {case._elem.get("file") for case in broken} == {"firmware/src/kernel.c"}
