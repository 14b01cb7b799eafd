"""The settings file of a check: what it says of runs and limits, and what is wrong with one."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from simcore.checking import patterns
from simcore.checking.limits import limits_of
from simcore.checking.plans import RunPlan, plans_of
from simcore.checking.settings import find_settings, load_settings
from simcore.errors import ConfigError


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that has two ELFs, as far as their names go."""
    (tmp_path / "build").mkdir()
    for name in ("a.elf", "b.elf"):
        (tmp_path / "build" / name).write_text("")
    monkeypatch.chdir(tmp_path)


def plans(text: str, *elfs: str, file: str = "mcusim.toml") -> list[RunPlan]:
    Path(file).write_text(text)
    return plans_of(elfs, load_settings(Path(file)))


def message_of(text: str, *elfs: str, file: str = "mcusim.toml") -> str:
    with pytest.raises(ConfigError) as caught:
        plans(text, *elfs, file=file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_runs_take_what_is_common_and_add_their_own() -> None:
    text = """
    cpu = "stm32h743"
    clock = "100MHz"
    [[run]]
    elf = "build/*.elf"
    [[run]]
    elf = "build/a.elf"
    name = "a-fast"
    clock = 400_000_000
    args = ["x", "y z"]
    place = "weights=dtcm"
    verbose = true
    set = ["core.dcache.size=16K"]
    layout-sweep = true
    timeout = 5
    """
    a, fast, b = plans(text)
    assert (a.name, a.elf, a.cpu, a.clock_hz) == ("a", "build/a.elf", "stm32h743", 100_000_000)
    assert (fast.name, fast.cpu, fast.clock_hz) == ("a-fast", "stm32h743", 400_000_000)
    assert (fast.args, fast.place, fast.layout_sweep) == (("x", "y z"), ("weights=dtcm",), True)
    assert (fast.overrides, fast.timeout_s) == (("core.dcache.size=16K",), 5.0)
    assert (fast.verbose, b.verbose) == (True, False)
    assert (b.name, b.args) == ("b", ())


def test_limits_hold_for_all_runs_for_one_and_for_rows() -> None:
    text = """
    limits = ["cycles=5%", "energy=2%"]
    functions.dot = "cycles=1%"
    [[run]]
    elf = "build/a.elf"
    limits = "cycles=9%"
    ops."conv 1" = "energy=1mJ"
    [[run]]
    elf = "build/b.elf"
    """
    Path("mcusim.toml").write_text(text)
    settings = load_settings(Path("mcusim.toml"))

    def limits(run: str) -> set[tuple[str, str, str]]:
        found = limits_of(run, settings.limits)
        return {(x.kind, x.row, x.text) for x in found if not x.default}

    both = {("total", "", "energy=2%"), ("function", "dot", "cycles=1%")}
    assert limits("a") == both | {("total", "", "cycles=9%"), ("op", "conv 1", "energy=1mJ")}
    assert limits("b") == both | {("total", "", "cycles=5%")}


def test_an_operation_is_called_op_and_other_words_are_told() -> None:
    Path("old.toml").write_text(
        'ops = ["f"]\noperations.g = "cycles=1"\n[[run]]\nelf = "build/a.elf"\nops = ["h"]\n'
    )
    Path("new.toml").write_text(
        'op = ["f"]\nops.g = "cycles=1"\n[[run]]\nelf = "build/a.elf"\nop = ["h"]\n'
    )
    old, new = (load_settings(Path(name)) for name in ("old.toml", "new.toml"))
    assert (old.runs, old.limits) == (new.runs, new.limits)
    assert (new.common.ops, new.runs[0].ops) == (("f",), ("h",))
    assert new.notes == ()
    assert old.notes == ("old.toml: 'ops' is called 'op'", "old.toml: 'operations' is called 'ops'")


def test_pyproject_has_a_table_of_its_own() -> None:
    text = '[project]\nname = "x"\n[[tool.mcusim.run]]\nelf = "build/a.elf"\n'
    assert [plan.name for plan in plans(text, file="pyproject.toml")] == ["a"]
    assert find_settings(Path()) == Path("pyproject.toml")
    Path("mcusim.toml").write_text("")
    assert find_settings(Path()) == Path("mcusim.toml")


def test_a_pyproject_of_others_is_no_settings_file() -> None:
    Path("pyproject.toml").write_text("[tool.ruff]\n")
    assert find_settings(Path()) is None
    with pytest.raises(ConfigError, match=r"no table \[tool.mcusim\]"):
        load_settings(Path("pyproject.toml"))


def test_an_elf_on_the_command_line_runs_as_the_settings_say() -> None:
    text = 'cpu = "x"\n[[run]]\nelf = "build/a.elf"\nname = "A"\nargs = ["1"]\n'
    (listed,) = plans(text, str(Path("build/a.elf").resolve()))
    assert (listed.name, listed.args) == ("A", ("1",))
    (other,) = plans(text, "build/b.elf")
    assert (other.name, other.cpu, other.args) == ("b", "x", ())


def test_paths_are_seen_from_the_settings_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mcusim.toml").write_text(
        'memory-from = "x.ld"\ncpu = "my.toml"\n[[run]]\nelf = "build/a.elf"\n'
    )
    monkeypatch.chdir("build")
    (plan,) = plans_of((), load_settings(Path("..") / "mcusim.toml"))
    assert plan.elf == "a.elf"
    assert plan.memory_from == str(Path("..").resolve() / "x.ld")
    assert plan.cpu == str(Path("..").resolve() / "my.toml")


def test_stubs_are_texts_or_tables() -> None:
    tables = """
    [[run]]
    elf = "build/a.elf"
    [[stub]]
    register = "RCC_CR"
    value = 0x20000
    mask = "0x20000"
    [[stub]]
    register = 0x40007000
    value = "3"
    """
    (plan,) = plans(tables)
    assert plan.stub == ("RCC_CR=131072/0x20000", "0x40007000=3")
    (plan,) = plans('stub = "RCC_CR=1"\n[[run]]\nelf = "build/a.elf"')
    assert plan.stub == ("RCC_CR=1",)


def test_an_elf_named_twice_runs_once() -> None:
    names = [plan.name for plan in plans("", "build/a.elf", "build/*.elf", "./build/a.elf")]
    assert names == ["a", "b"]


def test_the_end_of_a_run_takes_the_place_of_the_common_one() -> None:
    text = """
    until = "work@3"
    from = "main"
    [[run]]
    elf = "build/a.elf"
    for = "20ms"
    [[run]]
    elf = "build/b.elf"
    for = "unlimited"
    entry = "start"
    """
    a, b = plans(text)
    assert (a.until, a.for_s, a.from_) == (None, 0.02, "main")
    assert (b.until, b.for_s, b.entry) == ("work@3", math.inf, "start")


def test_two_elfs_of_one_name_are_refused() -> None:
    Path("other").mkdir()
    Path("other/a.elf").write_text("")
    message = message_of("", "build/a.elf", "other/a.elf")
    assert message.startswith("two ELFs are named 'a': build/a.elf and other/a.elf; give each")
    twice = '[[run]]\nelf = "build/a.elf"\n[[run]]\nelf = "build/a.elf"\nargs = ["x"]\n'
    assert message_of(twice).startswith("two runs of build/a.elf are named 'a'; give each")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "mcusim.toml: not TOML: "),
        ("cpus = 'x'", "mcusim.toml: there is no key 'cpus'; did you mean 'cpu'?"),
        ("timeline = true", "mcusim.toml: there is no key 'timeline'"),  # a table: no file asks
        ("zzz = 1", "mcusim.toml: there is no key 'zzz'; the keys are cpu, clock, caches, "),
        ("[[run]]\nelf = 'build/a.elf'\nlimit = 'x'", "run 1: there is no key 'limit'; did you"),
        ("[[run]]\nname = 'x'", "mcusim.toml: run 1: elf: it is missing"),
        ("[[run]]\nelf = 'no/*.elf'", "mcusim.toml: run 1: elf: 'no/*.elf' matches no file"),
        ("[[run]]\nelf = 'build/*.elf'\nname = 'x'", "run 1: name: one name for 2 ELFs"),
        ('[[run]]\nelf = "build/a.elf"\nname = "a\\u001b[31m"', "characters that cannot be shown"),
        ("[run]\nelf = 'x'", "mcusim.toml: run: it is a list of tables"),
        ("cpu = 3", "mcusim.toml: cpu: it is a text"),
        ("clock = 'fast'", "mcusim.toml: clock: it is a positive number"),
        ("clock = -1", "mcusim.toml: clock: it is a positive number"),
        ("timeout = 0", "mcusim.toml: timeout: it is a positive number of seconds"),
        ("timeout = inf", "mcusim.toml: timeout: it is a positive number of seconds"),
        ("timeout = 'unlimited'", "mcusim.toml: timeout: it is a positive number of seconds"),
        ("for = '20 parsecs'", "mcusim.toml: for: it is a positive number of seconds"),
        ("timeout = nan", "mcusim.toml: timeout: it is a positive number of seconds"),
        ("verbose = 1", "mcusim.toml: verbose: it is true or false"),
        ("peripherals = true", "peripherals: it is one of ready, plain, strict"),
        ("strict = true", "mcusim.toml: there is no key 'strict'"),
        ("stub = [1]", "mcusim.toml: stub: it is a list of texts"),
        ("[[stub]]\nregister = 1", "mcusim.toml: stub: a stub has a register and a value"),
        ("[[stub]]\nvalu = 1", "stub: a stub has no key 'valu'; did you mean 'value'?"),
        ("[[stub]]\nregister = 1.5\nvalue = 1", "register of a stub is a number or a text"),
        ("caches = 'maybe'", "mcusim.toml: caches: it is one of auto, on, off"),
        ("caches = true", "mcusim.toml: caches: it is one of auto, on, off"),
        ("args = [1]", "mcusim.toml: args: it is a list of texts"),
        ("limits = 'cycels=5%'", "mcusim.toml: limits 'cycels=5%': there is no metric 'cycels'"),
        ("functions = 'x'", "mcusim.toml: functions: it is a table"),
        ("functions.f = 'stack=1'", "mcusim.toml: functions.f: a function has the metrics"),
        ("ops.f = 1", "mcusim.toml: ops.f: it is a text"),
        ("op = ['f']\nops = ['g']", "mcusim.toml: 'ops' is 'op', which is there, too"),
        ("operations.f = 'energy=1J'\nops.g = 'energy=1J'", "'operations' is 'ops', which is"),
        ("", "nothing to check: name ELFs"),
    ],
)
def test_wrong_settings_are_one_line_with_file_and_key(text: str, words: str) -> None:
    assert words in message_of(text)


def test_a_settings_file_that_cannot_be_read_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: cannot be read: No such file"):
        load_settings(Path("no.toml"))
    Path("x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"x\.toml: not TOML: it is not UTF-8 text"):
        load_settings(Path("x.toml"))


@pytest.mark.parametrize(
    "text",
    [
        'uart = ["USART1=/etc/passwd"]',
        'uart = ["USART1=../secret"]',
        'uart = ["USART1=link/secret"]',
        'semihost-dir = ".."',
        'semihost-dir = "link"',
        'semihost-dir = "/proc/self"',
        'outputs = "../out.npy"',
        'input = ["../in.bin"]',
    ],
)
def test_what_a_program_reads_or_writes_stays_in_the_repository(text: str) -> None:
    Path(".git").mkdir()
    Path("link").symlink_to("..")
    said = message_of(f'{text}\n[[run]]\nelf = "build/a.elf"')
    assert said.startswith(f"mcusim.toml: {text.partition(' ')[0]}: ")
    assert said.endswith("is outside of the repository; name it on the command line")
    said = message_of(f'[[run]]\nelf = "build/a.elf"\n{text}')
    assert said.startswith(f"mcusim.toml: run 1: {text.partition(' ')[0]}: ")


def test_what_lies_in_the_repository_is_given_to_the_program() -> None:
    Path(".git").mkdir()
    Path("ci").mkdir()
    text = """
    uart = ["USART1=../data/in.txt", "USART2=-", "USART3"]
    semihost-dir = ".."
    outputs = "../out.npy"
    input = ["../in.bin", "random"]
    [[run]]
    elf = "../build/a.elf"
    """
    (plan,) = plans(text, file="ci/mcusim.toml")
    assert plan.uart == ("USART1=data/in.txt", "USART2=-", "USART3")
    assert (plan.semihost_dir, plan.outputs) == (".", "out.npy")
    assert plan.input == ("in.bin", "random")


def test_a_pattern_looks_at_so_many_files_and_follows_no_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("build/more/of/it").mkdir(parents=True)
    Path("build/more/of/it/c.elf").touch()
    Path("build/more/.hidden.elf").touch()
    Path("build/round").symlink_to("..")
    text = '[[run]]\nelf = "build/**/*.elf"'
    assert [plan.elf for plan in plans(text)] == [
        "build/a.elf", "build/b.elf", "build/more/of/it/c.elf",
    ]  # fmt: skip
    monkeypatch.setattr(patterns, "MOST_ENTRIES", 5)
    said = message_of(text)
    assert said.endswith("has more than 5 files to look at; name a folder")


def test_a_pattern_of_folders_without_end_matches_nothing() -> None:
    said = message_of(f'[[run]]\nelf = "{"x/" * 3000}*.elf"')
    assert said.endswith("matches no file; build first, or check the pattern")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('svd = "a\\u0000"', "svd: it has a NUL in it"),
        ('symbols = ["a\\u0000"]', "symbols: it has a NUL in it"),
        ('semihost-dir = ""', "semihost-dir: it is empty"),
        (f'clock = "{"9" * 5000}"', "clock: it is a positive number"),
        ("max-memory = -1", "such as 5000000 or '512M'"),
    ],
)
def test_a_value_that_is_none_is_told(text: str, said: str) -> None:
    assert said in message_of(f'{text}\n[[run]]\nelf = "build/a.elf"')
