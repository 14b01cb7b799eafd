"""`mcusim annotate` on the prebuilt kernels: the columns add up to the profile of the same run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from simcore.annotation import Annotation
from simcore.annotation.annotator import annotate_run
from simcore.cli.main import main
from simcore.core.counters import CAUSES
from simcore.elf import load_image
from simcore.errors import ConfigError
from simcore.simulation.program import open_program
from simcore.simulation.simulation import Simulation
from tests.integration.programs import CHECKOUT, FIRMWARE, KERNELS
from tests.schemas import assert_fits
from tests.tools import GUARD_S

SMALL = [KERNELS / "conv2d_s8_small.elf", KERNELS / "fully_connected_s8.elf"]
ODD = [FIRMWARE / "calls.elf", FIRMWARE / "it_blocks.elf"]  # runs on into the next function; folds
MIXED = KERNELS / "mixed.elf"
DENSE = KERNELS / "fully_connected_s8.elf"


each_program = pytest.mark.parametrize("elf", [*SMALL, *ODD, MIXED], ids=lambda elf: elf.stem)
#: Listings of every kernel there is show no more than those of single ones do.
ALL_KERNELS = pytest.param(MIXED, marks=pytest.mark.exhaustive)


@cache
def run(elf: Path) -> Simulation:
    return open_program(elf).run()


@cache
def everything(elf: Path) -> Annotation:
    return annotate_run(run(elf), ["*"])


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def mcusim(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, in this process: mcusim(arguments) -> Ran."""
    monkeypatch.chdir(CHECKOUT)

    def call(*arguments: str | Path) -> Ran:
        status = main([str(argument) for argument in arguments])
        return Ran(status, *capfd.readouterr())

    return call


# -- sums ------------------------------------------------------------------------------------------


@each_program
def test_each_function_adds_up_to_its_cycles_in_the_profile(elf: Path) -> None:
    """By instruction, by line and by cause, in whole cycles."""
    profile, functions = run(elf).profile(), everything(elf).functions
    costs = {row.address: row for row in profile.functions if row.instructions}
    assert {each.address for each in functions} == set(costs)
    for each in functions:
        row = costs[each.address]
        assert sum(i.cycles for i in each.instructions) == row.cycles_self, each.name
        assert sum(line.cycles for line in each.lines) == row.cycles_self
        assert sum(i.executions for i in each.instructions) == row.instructions
        for cause in CAUSES:
            spent = sum(i.cycles_by_cause[cause] for i in each.instructions)
            assert spent == row.cycles_by_cause[cause], (each.name, cause)
        assert not each.elsewhere
    assert sum(each.cycles for each in functions) == profile.totals.cycles


@each_program
def test_pairs_skips_misses_and_mispredicts_add_up_to_the_totals(elf: Path) -> None:
    rows = [i for each in everything(elf).functions for i in each.instructions]
    total = run(elf).result.counters.total()
    assert sum(row.younger for row in rows) == total["dual_issues"]
    assert sum(row.skipped for row in rows) == total["skipped"]
    misses = total["dcache_read_misses"] + total["dcache_write_misses"]
    assert sum(row.misses for row in rows) == misses
    assert sum(row.icache_misses for row in rows) == total["icache_misses"]
    assert sum(row.mispredicts for row in rows) == total["mispredicts"]


@each_program
def test_each_execution_is_older_younger_or_alone(elf: Path) -> None:
    for each in everything(elf).functions:
        for row in each.instructions:
            assert row.older + row.younger + row.folded <= row.executions
            assert sum(refusal.executions for refusal in row.refusals) <= row.executions
            waited = row.cycles_by_cause["dependency"] + row.cycles_by_cause["load_use"]
            assert sum(wait.cycles for wait in row.waits) == waited, hex(row.address)


@each_program
def test_an_older_instruction_has_a_younger_partner(elf: Path) -> None:
    """Nearly: where the older one's block is not certain, only the younger one is counted."""
    rows = [i for each in everything(elf).functions for i in each.instructions]
    older, younger = sum(row.older for row in rows), sum(row.younger for row in rows)
    assert 0.9 * younger <= older <= younger


# -- the hot loop ----------------------------------------------------------------------------------


def test_the_hot_loop_of_the_dense_kernel_is_the_multiply_loop() -> None:
    """It enters the loop once per call, and nothing in the loop is conditional."""
    (function,) = annotate_run(run(DENSE), ["multiply_four_rows"]).functions
    loop = function.loops[0]
    assert loop.cycles > 0.9 * function.cycles
    assert loop.entries == function.calls
    inside = [row for row in function.instructions if row.address in loop.addresses]
    assert loop.cycles == sum(row.cycles for row in inside)
    assert {row.executions for row in inside} == {loop.iterations}
    assert any("smlad" in row.text for row in inside)
    assert inside[-1].text.startswith("bne")
    assert not loop.calls


def test_without_a_name_the_hottest_functions_up_to_the_share_are_listed() -> None:
    functions = run(DENSE).profile().functions
    hottest = [row.name for row in functions]
    assert [f.name for f in annotate_run(run(DENSE), cover=0.5).functions] == hottest[:1]
    assert [f.name for f in annotate_run(run(DENSE), cover=1, top=3).functions] == hottest[:3]
    ran = [row.name for row in functions if row.cycles_self]
    assert [f.name for f in annotate_run(run(DENSE), cover=1, top=0).functions] == ran


def test_an_unknown_function_is_refused_by_the_library_too() -> None:
    with pytest.raises(ConfigError, match="did you mean 'multiply_four_rows'"):
        annotate_run(run(DENSE), ["multiply_fourrows"])


# -- the command -----------------------------------------------------------------------------------


@pytest.mark.parametrize("elf", [*SMALL, ALL_KERNELS], ids=lambda elf: elf.stem)
def test_the_printed_cycles_add_up(mcusim: Command, elf: Path) -> None:
    """The column of cycles is the number behind that of the runs, in front of /run."""
    result = mcusim("annotate", elf)
    assert result.status == 0
    parts = re.split(r"(?m)^(?=\S+  \S+:\d+$)", result.out)[1:]
    assert parts
    for part in parts:
        claimed = int(part.split("\n")[1].split(" cycles")[0].replace(",", ""))
        listing = part[part.index("  address ") : part.index("source line")]
        rows = re.findall(r"(?m)^.*?[0-9a-f]+ .*? [\d,]+ +([\d,]+) +[\d.,+]+(?: |$)", listing)
        assert sum(int(cycles.replace(",", "")) for cycles in rows) == claimed
        (total,) = re.findall(r"(?m)^ +sum +([\d,]+)$", listing)
        assert int(total.replace(",", "")) == claimed


def test_an_unknown_function_names_the_nearest_and_is_an_input_error(mcusim: Command) -> None:
    result = mcusim("annotate", DENSE, "multiply_fourrows")
    assert (result.status, result.out) == (2, "")
    assert result.err.endswith("; did you mean 'multiply_four_rows' or 'multiply_one_row'?\n")
    assert result.err.count("\n") == 1


def test_a_function_that_never_ran_is_one_line_and_no_error(mcusim: Command) -> None:
    image = load_image(DENSE)
    ran = {row.name for row in run(DENSE).profile().functions}
    idle = next(f.name for f in image.functions if f.name not in ran)
    result = mcusim("annotate", DENSE, idle)
    assert result.status == 0
    assert f"{idle} ran zero times" in result.out
    assert "address" not in result.out


def test_patterns_choose_several_functions(mcusim: Command) -> None:
    result = mcusim("annotate", DENSE, "multiply*", "mem*", "--format", "csv")
    names = {line.partition(",")[0] for line in result.out.splitlines()[1:]}
    assert names == {"multiply_four_rows", "memcpy"}


@pytest.mark.parametrize("elf", [*SMALL, *ODD, ALL_KERNELS], ids=lambda elf: elf.stem)
def test_the_json_of_every_function_fits_the_shipped_schema(elf: Path) -> None:
    document = assert_fits(everything(elf).to_json())
    assert any(function["loops"] for function in document["functions"])


def test_the_command_says_the_same_to_a_shell_and_into_a_file(
    mcusim: Command, tmp_path: Path
) -> None:
    arguments = ["annotate", str(DENSE), "--format", "json"]
    shell = subprocess.run(
        [sys.executable, "-m", "simcore.cli.main", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GUARD_S,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    assert shell.returncode == 0
    assert mcusim(*arguments, "-o", tmp_path / "a.json") == Ran(0, "", shell.stderr)
    assert (tmp_path / "a.json").read_text() == shell.stdout
    assert json.loads(shell.stdout)["functions"][0]["name"] == "multiply_four_rows"


def test_colour_is_for_terminals_or_on_request(mcusim: Command) -> None:
    assert "\x1b[" not in mcusim("annotate", DENSE).out
    assert "\x1b[" in mcusim("annotate", DENSE, "--color", "always").out
    assert mcusim("annotate", DENSE).out.isascii()


def test_arguments_behind_two_dashes_reach_the_program(mcusim: Command) -> None:
    options = ("--max-instructions", "1M")
    result = mcusim("annotate", FIRMWARE / "hello_printf.elf", "main", *options, "--", "3", "a b")
    assert result.status == 1  # it returns how many arguments it got
    assert "main  " in result.out
    assert "argument 2: a b\n" in result.err


def test_a_limit_ends_the_listing_with_what_was_counted(mcusim: Command) -> None:
    result = mcusim("annotate", MIXED, "--max-instructions", "20k")
    assert result.status == 5
    assert "The instruction limit was reached" in result.out


def test_source_text_is_found_from_elsewhere_and_not_missed(
    mcusim: Command, tmp_path: Path
) -> None:
    """The paths in the ELF are relative to the checkout, which is above the ELF."""
    assert "source line" in mcusim("annotate", DENSE).out
    source = tmp_path / "rows.c"
    source.write_text("given by hand\n" * 400)
    assert "given by hand" in mcusim("annotate", DENSE, "--source-dir", tmp_path).out


@pytest.mark.parametrize("command", ["annotate", "profile"])
def test_verbose_tells_how_many_states_and_blocks_there_were(mcusim: Command, command: str) -> None:
    """What is scheduled stays near the code that runs."""
    err = mcusim(command, DENSE, "--verbose").err
    found = re.search(
        r"(\S+) blocks in (\S+) stretches and \S+ pipeline states: (\S+) schedules of (\S+)"
        r" instructions, (\S+) different ones",
        err,
    )
    assert found
    blocks, stretches, schedules, scheduled, different = (
        int(number.replace(",", "")) for number in found.groups()
    )
    assert blocks <= stretches <= schedules <= 2 * stretches
    assert different <= scheduled <= 3 * different
