"""`mcusim annotate` on the prebuilt kernels: the columns add up to the profile of the same run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simcore.annotation import SCHEMA, Annotation
from simcore.annotation.annotator import annotate
from simcore.counters import CAUSES
from simcore.elf import load_image
from simcore.errors import ConfigError
from simcore.profiler import Simulation, simulate
from tests.integration.programs import CHECKOUT, FIRMWARE, KERNELS
from tests.tools import GUARD_S
from tests.unit.schema_checks import assert_closed, assert_same_fields, load_schema

PROGRAMS = [
    KERNELS / "conv2d_s8_small.elf",
    KERNELS / "fully_connected_s8.elf",
    KERNELS / "mixed.elf",
    FIRMWARE / "calls.elf",  # code that runs on into the next function
    FIRMWARE / "it_blocks.elf",
]
DENSE = KERNELS / "fully_connected_s8.elf"


@pytest.fixture(scope="module", params=PROGRAMS, ids=lambda elf: elf.stem)
def run(request: pytest.FixtureRequest) -> Simulation:
    return simulate(load_image(request.param))


def annotated(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return mcusim("annotate", *arguments, **options)


def mcusim(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    options.setdefault("env", {**os.environ, "PYTHONPATH": str(CHECKOUT)})
    return subprocess.run(
        [sys.executable, "-m", "simcore.cli.main", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GUARD_S,
        cwd=CHECKOUT,
        **options,
    )


# -- sums ------------------------------------------------------------------------------------------


def test_each_function_adds_up_to_its_cycles_in_the_profile(run: Simulation) -> None:
    """By instruction, by line and by cause, in whole cycles."""
    everything: Annotation = annotate(run, ["*"])
    costs = {row.address: row for row in run.profile().functions if row.instructions}
    assert {each.address for each in everything.functions} == set(costs)
    for each in everything.functions:
        row = costs[each.address]
        assert sum(i.cycles for i in each.instructions) == row.cycles_self, each.name
        assert sum(line.cycles for line in each.lines) == row.cycles_self
        assert sum(i.executions for i in each.instructions) == row.instructions
        for cause in CAUSES:
            spent = sum(i.cycles_by_cause[cause] for i in each.instructions)
            assert spent == row.cycles_by_cause[cause], (each.name, cause)
        assert not each.elsewhere
    assert sum(each.cycles for each in everything.functions) == run.profile().totals.cycles


def test_pairs_skips_misses_and_mispredicts_add_up_to_the_totals(run: Simulation) -> None:
    rows = [i for each in annotate(run, ["*"]).functions for i in each.instructions]
    total = run.result.counters.total()
    assert sum(row.younger for row in rows) == total["dual_issues"]
    assert sum(row.skipped for row in rows) == total["skipped"]
    misses = total["dcache_read_misses"] + total["dcache_write_misses"]
    assert sum(row.misses for row in rows) == misses
    assert sum(row.icache_misses for row in rows) == total["icache_misses"]
    assert sum(row.mispredicts for row in rows) == total["mispredicts"]


def test_each_execution_is_older_younger_or_alone(run: Simulation) -> None:
    for each in annotate(run, ["*"]).functions:
        for row in each.instructions:
            assert row.older + row.younger + row.folded <= row.executions
            assert sum(refusal.executions for refusal in row.refusals) <= row.executions
            waited = row.cycles_by_cause["dependency"] + row.cycles_by_cause["load_use"]
            assert sum(wait.cycles for wait in row.waits) == waited, hex(row.address)


def test_an_older_instruction_has_a_younger_partner(run: Simulation) -> None:
    """Nearly: where the older one's block is not certain, only the younger one is counted."""
    rows = [i for each in annotate(run, ["*"]).functions for i in each.instructions]
    older, younger = sum(row.older for row in rows), sum(row.younger for row in rows)
    assert 0.9 * younger <= older <= younger


# -- the hot loop ----------------------------------------------------------------------------------


def test_the_hot_loop_of_the_dense_kernel_is_the_multiply_loop() -> None:
    """It enters the loop once per call, and nothing in the loop is conditional."""
    (function,) = annotate(simulate(load_image(DENSE)), ["multiply_four_rows"]).functions
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
    run = simulate(load_image(DENSE))
    hottest = [row.name for row in run.profile().functions]
    assert [f.name for f in annotate(run, cover=0.5).functions] == hottest[:1]
    assert [f.name for f in annotate(run, cover=1, top=3).functions] == hottest[:3]
    ran = [row.name for row in run.profile().functions if row.cycles_self]
    assert [f.name for f in annotate(run, cover=1, top=0).functions] == ran


def test_an_unknown_function_is_refused_by_the_library_too() -> None:
    with pytest.raises(ConfigError, match="did you mean 'multiply_four_rows'"):
        annotate(simulate(load_image(DENSE)), ["multiply_fourrows"])


# -- the command -----------------------------------------------------------------------------------


@pytest.mark.parametrize("elf", PROGRAMS[:3], ids=lambda elf: elf.stem)
def test_the_printed_cycles_add_up(elf: Path) -> None:
    """The column of cycles is the number behind that of the runs, in front of /run."""
    result = annotated(elf)
    assert result.returncode == 0
    parts = re.split(r"(?m)^(?=\S+  \S+:\d+$)", result.stdout)[1:]
    assert parts
    for part in parts:
        claimed = int(part.split("\n")[1].split(" cycles")[0].replace(",", ""))
        listing = part[part.index("  address ") : part.index("source line")]
        rows = re.findall(r"(?m)^.*?[0-9a-f]+ .*? [\d,]+ +([\d,]+) +[\d.,+]+(?: |$)", listing)
        assert sum(int(cycles.replace(",", "")) for cycles in rows) == claimed
        (total,) = re.findall(r"(?m)^ +sum +([\d,]+)$", listing)
        assert int(total.replace(",", "")) == claimed


def test_an_unknown_function_names_the_nearest_and_is_an_input_error() -> None:
    result = annotated(DENSE, "multiply_fourrows")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.endswith("; did you mean 'multiply_four_rows' or 'multiply_one_row'?\n")
    assert result.stderr.count("\n") == 1


def test_a_function_that_never_ran_is_one_line_and_no_error() -> None:
    image = load_image(DENSE)
    ran = {row.name for row in simulate(image).profile().functions}
    idle = next(f.name for f in image.functions if f.name not in ran)
    result = annotated(DENSE, idle)
    assert result.returncode == 0
    assert f"{idle} ran zero times" in result.stdout
    assert "address" not in result.stdout


def test_patterns_choose_several_functions() -> None:
    result = annotated(DENSE, "multiply*", "mem*", "--format", "csv")
    names = {line.partition(",")[0] for line in result.stdout.splitlines()[1:]}
    assert names == {"multiply_four_rows", "memcpy"}


def test_the_json_of_every_function_fits_the_shipped_schema(run: Simulation) -> None:
    schema = load_schema("annotation-1.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(annotate(run, ["*"]).to_json())
    jsonschema.Draft202012Validator(schema).validate(document)
    assert any(function["loops"] for function in document["functions"])


def test_the_schema_is_closed_and_has_the_fields_of_the_dataclasses() -> None:
    schema = load_schema("annotation-1.json")
    assert_closed(schema)
    assert assert_same_fields(Annotation, schema) == {"Causes"}
    assert schema["properties"]["schema"]["const"] == SCHEMA
    shared = load_schema("profile-1.json")["$defs"]
    for name in schema["$defs"].keys() & shared.keys():
        assert schema["$defs"][name] == shared[name], name


def test_json_is_the_same_from_run_to_run_and_goes_to_a_file(tmp_path: Path) -> None:
    first = annotated(DENSE, "--format", "json").stdout
    annotated(DENSE, "--format", "json", "-o", tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == first
    assert json.loads(first)["functions"][0]["name"] == "multiply_four_rows"


def test_colour_is_for_terminals_or_on_request() -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    assert "\x1b[" not in annotated(DENSE).stdout
    assert "\x1b[" in annotated(DENSE, "--color", "always", env=environment).stdout
    assert annotated(DENSE).stdout.isascii()


def test_arguments_behind_two_dashes_reach_the_program() -> None:
    result = annotated(
        FIRMWARE / "hello_printf.elf", "main", "--max-instructions", "1M", "--", "3", "a b"
    )
    assert result.returncode == 1  # it returns how many arguments it got
    assert "main  " in result.stdout
    assert "argument 2: a b\n" in result.stderr


def test_a_limit_ends_the_listing_with_what_was_counted() -> None:
    result = annotated(KERNELS / "mixed.elf", "--max-instructions", "20k")
    assert result.returncode == 5
    assert "The instruction limit was reached" in result.stdout


def test_source_text_is_found_from_elsewhere_and_not_missed(tmp_path: Path) -> None:
    """The paths in the ELF are relative to the checkout, which is above the ELF."""
    assert "source line" in annotated(DENSE).stdout
    source = tmp_path / "rows.c"
    source.write_text("given by hand\n" * 400)
    assert "given by hand" in annotated(DENSE, "--source-dir", tmp_path).stdout


@pytest.mark.parametrize("command", ["annotate", "profile"])
def test_verbose_tells_how_many_states_and_blocks_there_were(command: str) -> None:
    """Issue 3: the number of (state, block) pairs stays near the number of blocks."""
    err = mcusim(command, DENSE, "--verbose").stderr
    found = re.search(r"(\d+) blocks in \d+ pipeline states: (\d+) \(state, block\) pairs", err)
    assert found
    assert int(found[1]) <= int(found[2]) <= 2 * int(found[1])
