"""A user's model files: inheritance, single values on the command line, and what is refused."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.cpu_model import load_cpu_model
from simcore.cpu_model.tree import load_tree
from simcore.errors import ModelError

WriteModel = Callable[..., str]


@pytest.fixture
def write_model(tmp_path: Path) -> WriteModel:
    """Writes a model file with this text and returns its path."""

    def write(text: str, name: str = "mine.toml", extends: str = "stm32f746") -> str:
        path = tmp_path / name
        path.write_text((f'extends = "{extends}"\n' if extends else "") + text, encoding="utf-8")
        return str(path)

    return write


def refusal(path: str, *overrides: str, memory_from: str | None = None) -> str:
    """The one line with which a model is refused."""
    with pytest.raises(ModelError) as refused:
        load_cpu_model(path, overrides, memory_from)
    message = str(refused.value)
    assert "\n" not in message
    return message


def message_of(path: str, override: str) -> str:
    """The refusal of a model, or nothing when it loads."""
    try:
        load_cpu_model(path, [override])
    except ModelError as error:
        return str(error)
    return ""


def fact(value: object, unit: str, source: str = "recalled, unverified") -> str:
    return f'{{ value = {value}, unit = "{unit}", source = "{source}" }}'


# --- inheritance ---------------------------------------------------------------------------------


def test_a_user_file_changes_one_number_of_a_part(write_model: WriteModel) -> None:
    path = write_model(f'name = "mine"\n[core.dcache]\nsize = {fact(16, "KiB")}\n')
    mine, part = load_cpu_model(path), load_cpu_model("stm32f746")
    assert mine.core.dcache.size == 16384
    assert mine.core.icache == part.core.icache
    assert mine.regions == part.regions
    assert mine.sha256 != part.sha256


def test_a_file_may_extend_another_file_beside_it(write_model: WriteModel) -> None:
    write_model(f"[core.dcache]\nsize = {fact(8, 'KiB')}\n", "base.toml")
    path = write_model(f"[core.icache]\nsize = {fact(8, 'KiB')}\n", extends="./base.toml")
    core = load_cpu_model(path).core
    assert (core.icache.size, core.dcache.size) == (8192, 8192)


def test_an_inherited_region_can_be_taken_away(write_model: WriteModel) -> None:
    model = load_cpu_model(write_model("[region.sdram]\nabsent = true\n"))
    assert "sdram" not in [region.name for region in model.regions]


def test_sources_titles_and_questions_do_not_change_the_digest(write_model: WriteModel) -> None:
    text = 'title = "mine"\n[sources]\nMINE = "measured here"\n'
    path = write_model(text + '[undecided.mine]\ntitle = "mine"\nanswers = ["core.a=1"]\n')
    assert load_cpu_model(path).sha256 == load_cpu_model("stm32f746").sha256


def test_units_are_converted(write_model: WriteModel) -> None:
    path = write_model(f"[memory.external]\nmax_clock = {fact(90, 'MHz')}\n")
    model = load_cpu_model(path)
    assert model.memories["external"].max_clock == 90_000_000
    assert model.provenance["memory.external.max_clock"].unit == "Hz"


# --- what is refused -----------------------------------------------------------------------------


def test_several_parts_where_one_is_taken_are_told_where_several_are() -> None:
    assert "are several parts, and this takes one; 'profile --cpu A,B'" in refusal(
        "stm32f746,STM32H743"
    )
    assert "unknown CPU model 'stm32f746,f'" in refusal("stm32f746,f")


def test_an_unknown_name_is_refused_with_the_nearest_part() -> None:
    assert "did you mean 'stm32f746'" in refusal("stm32f7466")


def test_a_core_is_no_part() -> None:
    assert "no part" in refusal("cortex-m7")


def test_an_unreadable_path_is_refused(tmp_path: Path) -> None:
    assert "cannot read CPU model" in refusal(str(tmp_path / "none.toml"))
    assert "cannot read CPU model" in refusal(f"{tmp_path}/")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00\x01")
    assert "not UTF-8" in refusal(str(tmp_path / "binary.toml"))


def test_broken_toml_is_refused_with_file_and_line(write_model: WriteModel) -> None:
    assert "mine.toml:3: broken TOML" in refusal(write_model('name = "a"\nsize = = 1\n'))
    assert "mine.toml:2: broken TOML" in refusal(write_model("[core"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[cores]\n", "cores: unknown key; did you mean 'core'"),
        ('[region.sdram]\nmemory = "a\\u001b[31m"\n', "has characters that cannot be shown"),
        (f"[core.dcache]\nsiz = {fact(1, 'B')}\n", "mine.toml:3: core.dcache.siz: unknown key"),
        ("[core.dcache]\nsize = 4096\n", "mine.toml:3: core.dcache.size: bare value 4096"),
        ('[core.dcache]\nsize = {value = 1, source = "definition"}\n', "has no unit"),
        ('[core.dcache]\nsize = {value = 1, unit = "B"}\n', "has no source"),
        ('[core.dcache]\nsize = {value = 1, unit = " ", source = "definition"}\n', "has no unit"),
        ('[core.dcache]\nsize = {unit = "B", source = "definition"}\n', "has no value"),
        (f"[core.dcache]\nsize = {fact(1, 'mm')}\n", "unit 'mm' is none of B, KiB, MiB"),
        (f"[core.dcache]\nsize = {fact('true', 'B')}\n", "must be an integer, not a flag"),
        (f"[core.dcache]\nsize = {fact('[1]', 'B')}\n", "must be an integer, not a list"),
        (f"[core.dcache]\nsize = {fact(1.5, 'B')}\n", "must be a whole number of B"),
        (f"[core.dcache]\nsize = {fact('nan', 'B')}\n", "must be a whole number of B"),
        (f"[core.dcache]\nsize = {fact(-1, 'B')}\n", "is outside 0 to 65536 B"),
        (f"[core.dcache]\nsize = {fact(3, 'KiB')}\n", "not a power of two of sets"),
        (f"[core.dcache]\nreplacement = {fact(1, 'policy')}\n", "must be text"),
        ("[core.dcache]\nsize = {value=1, unit='B', source='X: p. 1'}\n", "tag 'X' is not in"),
        ("[core.dcache]\nsize = {value=1,unit='B',source='definition',statsu='a'}\n", "statsu"),
        ("[core.dcache]\nsize = {value=1,unit='B',source='definition',status='a'}\n", "status 'a'"),
        ("[core.dcache]\nsize = {value=1,unit='B',source='definition',note=1}\n", "note must be"),
        (f"[energy]\nclock_tree = {fact('nan', 'pJ')}\n", "outside"),
        (f"[energy]\nclock_tree = {fact('inf', 'pJ')}\n", "outside"),
        ("[core]\npipeline = 'm7'\n", "mine.toml:3: core.pipeline: 'm7' is none of m7-dual-issue"),
        ("core = 1\n", "core: must be a table, not an integer"),
        ("name = 1\n", "name: must be text, not an integer"),
        ("[sources]\nA = 1\n", "sources.A: a citation is a non-empty string"),
        ("[region.NEW]\nkind = 'sram'\n", "a name is lower case"),
        ("[region.new]\nkind = 'sram'\n", "region.new.base is missing"),
        ("[region.sram1]\nkind = 'ram'\n", "'ram' is none of itcm"),
        ("[region.sram1]\nmemory = 'srma'\n", "'srma' is not defined; did you mean 'sram'"),
        ("[memory.sram]\nbus = 'axim'\n", "memory.sram.bus: 'axim' is not defined"),
        (f"[region.sram1]\nsize = {fact(241, 'KiB')}\n", "must be multiples of 4096"),
        (f"[region.sram1]\nsize = {fact(244, 'KiB')}\n", "region.sram2 (0x2004c000) overlaps"),
        (f"[region.system]\nsize = {fact(1024, 'MiB')}\n", "behind the 32-bit address space"),
        ("[pipeline.nonsense]\n", "unknown key"),
        ("[pipeline]\nx = 1\n", "unknown key"),
        ("abstract = 1\n", "must be true or false"),
    ],
)
def test_a_broken_model_is_refused_in_one_line(
    write_model: WriteModel, text: str, expected: str
) -> None:
    assert expected in refusal(write_model(text))


def test_a_file_that_extends_itself_is_refused(write_model: WriteModel) -> None:
    path = write_model("", "a.toml", extends="./b.toml")
    write_model("", "b.toml", extends="./a.toml")
    assert "extends itself: a.toml -> b.toml -> a.toml" in refusal(path)


def test_extending_an_unknown_model_is_refused(write_model: WriteModel) -> None:
    message = refusal(write_model("", extends="stm32f764"))
    assert "mine.toml: extends: unknown CPU model 'stm32f764'; did you mean" in message


def test_a_model_of_nothing_is_refused(write_model: WriteModel) -> None:
    assert "is missing" in refusal(write_model("", extends=""))


def test_more_regions_than_the_core_holds_are_refused(write_model: WriteModel) -> None:
    regions = "".join(
        f"[region.r{n}]\nkind = 'sram'\nmemory = 'sram'\n"
        f"base = {fact(0x30000000 + n * 4096, 'address')}\nsize = {fact(4096, 'B')}\n"
        for n in range(33)
    )
    assert "at most 32 are possible" in refusal(write_model(regions))


def test_a_deeply_nested_file_is_refused(write_model: WriteModel) -> None:
    assert "broken TOML" in refusal(write_model("x = " + "[" * 100_000))


@given(st.text(max_size=60))
def test_any_text_is_a_model_or_refused_in_one_line(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.toml"
        path.write_text('extends = "stm32f746"\n' + text, encoding="utf-8")
        assert len(message_of(str(path), "core.dcache.ways=4").splitlines()) <= 1


# --- overrides -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("core.dcache.size=16K", 16384),
        ("core.dcache.size=0x2000", 8192),
        ("core.dcache.size=16KiB", 16384),
        ("core.dcache.replacement=lru", "lru"),
        ("core.memory.dynamic_read_allocate=false", False),
        ("operating_point.scale3.max_clock=100M", 100_000_000),
        ("operating_point.scale3.wait_state_clocks=50M,216M", [50_000_000, 216_000_000]),
        ("energy.clock_tree=1.5", 1.5),
        ("bus.axim_ahb.divider=2", 2),
    ],
)
def test_a_single_value_can_be_set(override: str, value: object) -> None:
    provenance = load_cpu_model("stm32f746", [override]).provenance[override.partition("=")[0]]
    assert provenance.value == value
    assert (provenance.source, provenance.status) == ("command line", "assumed")


def test_a_plain_value_can_be_set() -> None:
    model = load_cpu_model("stm32f746", ["region.sram1.policy=write-through"])
    assert model.region("sram1").policy == "write-through"


def test_an_override_leaves_the_shipped_model_alone() -> None:
    before = load_cpu_model("stm32f746").core.dcache.size
    load_cpu_model("stm32f746", ["core.dcache.size=16K"])
    assert load_cpu_model("stm32f746").core.dcache.size == before


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("core.dcache.size", "must be KEY=VALUE"),
        ("=1", "must be KEY=VALUE"),
        ("core.dcache.size=", "must be KEY=VALUE"),
        ("core..size=1", "must be KEY=VALUE"),
        ("core.dcach.size=1", "unknown key 'dcach'; did you mean 'dcache'"),
        ("core.dcache.siez=1", "unknown key 'siez'; did you mean 'size'"),
        ("core.dcache=1", "is a table"),
        ("core.dcache.size.value=1", "core.dcache.size is no table"),
        ("core.dcache.size=big", "'big' is not a number"),
        ("core.dcache.size=1.5", "must be a whole number of B"),
        ("core.dcache.size=5K", "not a power of two of sets"),
        ("core.memory.read_burst_bytes=24", "24 is not a power of two"),
        ("core.dcache.size=1e999", "too large"),
        ("core.dcache.replacement=fifo", "'fifo' is none of random"),
        ("core.memory.dynamic_read_allocate=maybe", "must be true or false"),
        ("region.sram1.policy=cached", "'cached' is none of device"),
        ("region.sram3.size=4K", "unknown key 'sram3'; did you mean 'sram"),
        ("nonsense=1", "unknown key 'nonsense'"),
        ("sources=1", "is a table"),
    ],
)
def test_a_wrong_override_is_refused_in_one_line(override: str, expected: str) -> None:
    message = refusal("stm32f746", override)
    assert expected in message


@given(st.text(max_size=40))
def test_any_override_is_applied_or_refused_in_one_line(text: str) -> None:
    before = repr(load_tree("stm32f746"))
    assert len(message_of("stm32f746", text).splitlines()) <= 1
    assert repr(load_tree("stm32f746")) == before


def test_a_number_of_many_digits_is_refused_at_once() -> None:
    began = time.process_time()
    with pytest.raises(ModelError):
        load_cpu_model("stm32f746", (f"core.dcache.size={'1' * 200_000}x",))
    assert time.process_time() - began < 5
