"""An ELF's line table can name any file of the host: no format shows the text of one it may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.cli.main import main
from simcore.report.check import REPORTS
from simcore.report.profile import FORMATS

TOKEN = "hunter2"
SECRETS = (".git/config", ".env", "link.c", "../outside.c", "/proc/self/environ")
WITHHELD = ("no source file by its name", "below a folder, or named, with a leading dot", "outside")

PROGRAM = """
    .syntax unified
    .section .isr_vector,"a"
    .word 0x20010000, reset
    .text
    {files}
    .global reset
    .type reset,%function
    .thumb_func
reset:
    {lines}
    ldr r1, =exit
    movs r0, #0x20
    bkpt 0xab
    .size reset, . - reset
    .align 2
exit: .word 0x20026, 0
"""


@pytest.fixture
def elf(tmp_path: Path, arm_gcc: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of the working folder that names SECRETS as its sources, and a real one."""
    checkout = tmp_path / "checkout"
    (checkout / ".git").mkdir(parents=True)
    for name in (*SECRETS[:2], "../outside.c"):
        (checkout / name).write_text(f"{TOKEN}\n" * 3)
    (checkout / "link.c").symlink_to(".git/config")
    (checkout / "real.c").write_text("a line of the program\n")
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("CI_TOKEN", TOKEN)
    names = [*SECRETS, "real.c"]
    files = "\n".join(f'.file {n} "{name}"' for n, name in enumerate(names, 1))
    lines = "\n".join(f".loc {n} 1\nadds r4, #1" for n in range(1, len(names) + 1))
    (checkout / "a.S").write_text(PROGRAM.format(files=files, lines=lines))
    script = ["-nostdlib", "-Wl,-Ttext=0x08000040,--section-start=.isr_vector=0x08000000"]
    return arm_gcc(checkout / "a.elf", [*script, "-Wl,-e,reset", "a.S"])


COMMANDS = {
    **{f"annotate-{form}": ("annotate", "a.elf", "--format", form) for form in ("text", "json")},
    **{f"profile-{form}": ("profile", "a.elf", "--format", form, "--lines") for form in FORMATS},
    "check": ("check", "a.elf", "--format", "json", "--save-baseline", "new", "--verbose"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_text_of_other_files_stands_in_no_document(
    elf: Path, name: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    command = list(COMMANDS[name])
    reports = [f"--report={kind}={kind}.report" for kind in REPORTS] if name == "check" else []
    assert main([*command, "-o", "out", *reports]) == 0
    said = capfdbinary.readouterr()
    written = [*Path().rglob("*.report"), *Path(".mcusim").rglob("*.json"), Path("out")]
    documents = [*(path.read_bytes() for path in written), said.out, said.err]
    assert TOKEN.encode() not in b"".join(documents)
    if name in ("annotate-text", "annotate-json", "profile-html"):
        assert b"a line of the program" in b"".join(documents)
    if name in ("annotate-text", "annotate-json", "profile-html", "check"):
        text = b" ".join(b"".join(documents).split()).replace(b"&#39;", b"'").decode()
        assert all(reason in text for reason in WITHHELD)


#: Functions that are inlined out of files that `#line` names, in a compilation folder of the
#: host's: DW_AT_comp_dir, the folders of the line table and DW_AT_call_file all lead there.
INLINED = """
#line 1 "{file}"
static inline __attribute__((always_inline)) unsigned deep(unsigned n) {{ return n * 7 ^ n >> 3; }}
#line 2 "{file}"
static inline __attribute__((always_inline)) unsigned near(unsigned n) {{
#line 3 "{file}"
    return deep(n) + deep(n + 1); }}
#line 1 "real.c"
volatile unsigned sink;
void reset(void) {{ for (unsigned n = 0; n < 99; n++) sink = near(sink);
    __asm__ volatile("ldr r1, =0x20026\\n movs r0, #0x18\\n bkpt 0xab" ::: "r0", "r1"); }}
__attribute__((section(".isr_vector"), used)) void *const vectors[] = {{(void *)0x20010000, reset}};
"""


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("/proc/self", "environ"), ("/proc/self/cwd", ".git/config"), ("..", "outside.c"),
        (".git", "config"), ("C:\\\\..", "outside.c"), ("/proc/self/root", "{outside}"),
        ("\x1b[2J", "link.c"), ("/dev/fd", "0"), ("//..//", "outside.c"),
    ],
)  # fmt: skip
def test_no_compilation_folder_leads_inlined_code_to_other_files(
    elf: Path, arm_gcc: Callable[..., Path], capfdbinary: pytest.CaptureFixture[bytes],
    folder: str, file: str,
) -> None:  # fmt: skip
    named = file.format(outside=(elf.parent.parent / "outside.c").relative_to("/"))
    source = elf.parent / "inlined.c"
    source.write_text(INLINED.format(file=named))
    script = ["-nostdlib", "-Wl,-Ttext=0x08000040,--section-start=.isr_vector=0x08000000"]
    moved = f"-fdebug-prefix-map={elf.parent}={folder}"
    arm_gcc(elf, ["-O2", "-g", moved, *script, "-Wl,-Tbss=0x20000000,-e,reset", source.name])
    for command in (
        ("profile", "a.elf", "--format", "html"), ("annotate", "a.elf", "--format", "json")
    ):  # fmt: skip
        assert main([*command, "-o", "out"]) == 0
        said = capfdbinary.readouterr()
        document = Path("out").read_bytes()
        assert TOKEN.encode() not in document + said.out + said.err
        assert b"\x1b" not in document + said.err


def test_an_opened_folder_is_read_and_a_map_finds_what_was_built_elsewhere(
    elf: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["annotate", "a.elf", "--source-dir", ".."]) == 0
    assert capfd.readouterr().out.count(TOKEN) == 1  # ../outside.c alone
    (elf.parent.parent / "moved").mkdir()
    (elf.parent / "real.c").rename(elf.parent.parent / "moved" / "real.c")
    assert main(["annotate", "a.elf", "--source-map", f"{elf.parent}=../moved"]) == 0
    assert "a line of the program" in capfd.readouterr().out
    assert main(["annotate", "a.elf", "--source-map", "real.c"]) == 2
    assert "'real.c' is not OLD=NEW" in capfd.readouterr().err
