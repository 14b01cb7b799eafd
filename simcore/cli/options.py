"""Options that several commands share, as decorators, each in the order of the help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from simcore.cli import values
from simcore.cli.sandbox import sandbox_option
from simcore.run.asked import OP_ROWS
from simcore.run.spec import PERIPHERALS

Command = TypeVar("Command", bound=Callable[..., Any])


def together(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Several options as one decorator."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


#: The form of what a command tells of mcusim itself.
text_or_json_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the output.",
)

#: Whether results of earlier runs are used, and this one's kept.
cache_option = click.option(
    "--no-cache",
    "use_cache",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Read nothing back that was found before, and keep nothing: see 'mcusim cache'.",
)

#: Names as the symbol table has them.
demangle_option = click.option(
    "--no-demangle",
    "demangle",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Show names of C++ and Rust as they are in the symbol table.",
)

#: What is told of a network, where one is given instead of a program.
network_options = together(
    click.option(
        "--input",
        multiple=True,
        metavar="FILE.npy|FILE.bin|random[:SEED]",
        help="Of a network: its input, as .npy or raw little-endian values; a file for each input"
        " [default: random, seed 1]. Repeatable.",
    ),
    click.option(
        "--invocations",
        type=click.IntRange(1, 10_000),
        metavar="N",
        help="Of a network: run so many inferences, the first told apart from those behind it.",
    ),
    click.option(
        "--arena",
        type=values.names,
        default=(),
        metavar="REGION,...",
        help="Of a network: regions for its tensors, such as dtcm,sram1, the best first"
        " [default: the part's main SRAM].",
    ),
    click.option(
        "--anyway",
        is_flag=True,
        help="Of a network: where it does not fit, time it on the part with more memory.",
    ),
    click.option(
        "--runner",
        metavar="FILE.elf[:SYMBOL]",
        help="Of a network: run it with this firmware's TensorFlow Lite Micro and kernels, in place"
        " of the model in its array SYMBOL [default: the one that holds a model].",
    ),
)

#: What becomes of a network's outputs.
verify_options = together(
    click.option(
        "--verify",
        is_flag=True,
        help="Of a network: compare its outputs with those of TensorFlow Lite Micro's reference"
        " kernels. Needs the extra mcusim[verify].",
    ),
    click.option(
        "--outputs",
        metavar="FILE.npy|FILE.bin",
        help="Of a network: write the outputs of the last inference to FILE; .npy holds one.",
    ),
)

#: What of the run counts.
scope_options = together(
    click.option(
        "--per",
        metavar="FUNCTION|inference|none",
        help="Count one call of a function alone, the second if there are several, with what it"
        " calls and what interrupts it. 'inference' is one of an interpreter of networks, 'none'"
        " the whole run [default: inference where there is one, else none].",
    ),
    click.option(
        "--task",
        metavar="NAME|GLOB",
        help="Count what ran in these tasks alone, of a program with an RTOS; '(interrupts)' are"
        " all handlers, '(main)' is the program as it starts. The program runs twice for it.",
    ),
)

#: Which calls are operations.
op_options = together(
    click.option(
        "--op",
        "ops",
        multiple=True,
        metavar="GLOB",
        help="Make each call of a matching function an operation: F[0], F[1] and so on."
        " Repeatable.",
    ),
    click.option(
        "--op-calls",
        multiple=True,
        metavar="F[@SITE]",
        help="Make each call an operation that function F makes at its busiest call through a"
        " pointer, or at SITE, an address or FILE:LINE: the layers of an interpreter of networks,"
        " or of generated code. The program may run twice for it. Repeatable.",
    ),
    click.option(
        "--op-rows",
        type=click.IntRange(min=1, max=100_000),
        metavar="N",
        default=OP_ROWS,
        show_default=True,
        help="Calls of one function that are operations of their own; further ones are one row.",
    ),
)

run_options = together(
    click.option(
        "--symbols",
        multiple=True,
        metavar="FILE.elf",
        help="Take names and source lines from an ELF, too: of a HEX, S-record, UF2 or stripped"
        " program, or of a second one in it, such as a boot loader. Repeatable.",
    ),
    demangle_option,
    click.option(
        "--debug-file",
        metavar="FILE",
        help="Take names and source lines from a file with the program's debug information only."
        " By itself the one is taken that .gnu_debuglink names, beside the program or in .debug"
        " there, or the one with its build id in /usr/lib/debug.",
    ),
    click.option(
        "--debug-dir",
        metavar="FOLDER",
        help="Look for that file here, too, by build id (.build-id/ab/cdef.debug) and name.",
    ),
    click.option(
        "--entry",
        metavar="FUNCTION|ADDRESS",
        help="Start here instead of at the program's entry; also a vector table, such as that of"
        " the application behind a boot loader.",
    ),
    click.option(
        "--from",
        "from_",
        metavar="PLACE[@N]",
        help="Count from here: FUNCTION, FILE:LINE or ADDRESS, the N-th time it is reached.",
    ),
    click.option(
        "--until",
        metavar="PLACE[@N]",
        help="End the run here, the N-th time since --from that it is reached.",
    ),
    click.option(
        "--for",
        "for_s",
        type=values.duration,
        metavar="TIME",
        help="End the run after so much modelled time, such as 20ms, since --from; or unlimited."
        " It is counted at the clock that times the run, in start-up at another clock too."
        " Without a limit a run ends after 10s or 2G instructions.",
    ),
    click.option(
        "--irq",
        multiple=True,
        metavar="NAME|NUMBER=PERIOD[,PHASE]",
        help="Pend an interrupt every so often in modelled time, such as TIM2=1ms or TIM2=48kHz: by"
        " its handler's name in the vector table, or its number. Repeatable.",
    ),
    click.option("--until-idle", is_flag=True, help="End the run when the program goes to sleep."),
    click.option(
        "--max-instructions",
        type=values.quantity,
        metavar="N",
        help="Stop after so many instructions, such as 50M.",
    ),
    click.option(
        "--timeout",
        "timeout_s",
        type=values.seconds,
        metavar="TIME",
        help="Stop after so much time of the host, such as 30s.",
    ),
    click.option(
        "--max-memory",
        type=values.size,
        metavar="SIZE",
        help="Stop when the run takes more memory of the host, such as 500MB [default: 2e9 bytes].",
    ),
    click.option(
        "--svd",
        metavar="FILE.svd",
        help="Names and reset values of the part's registers. Needs the extra mcusim[svd].",
    ),
    click.option(
        "--stub",
        multiple=True,
        metavar="ADDRESS|NAME=VALUE[/MASK]",
        help="Let a register of a peripheral read VALUE, or its bits of MASK. Repeatable.",
    ),
    click.option(
        "--peripherals",
        type=click.Choice(PERIPHERALS),
        help="What becomes of registers that nothing describes: a loop that waits for one is let go"
        " (ready, the default), spins (plain), or any access is a fault (strict).",
    ),
    click.option(
        "--uart",
        multiple=True,
        metavar="NAME|off|NAME=FILE|NAME=-",
        help="Print what this serial port sends, such as USART1 (every one does if not given); or"
        " let it receive the bytes of a file or of standard input. Repeatable.",
    ),
    click.option(
        "--strict",
        "peripherals",
        flag_value="strict",
        help="The same as --peripherals strict.",
    ),
    click.option("--semihost-dir", metavar="DIR", help="Open a host folder to the program."),
    network_options,
    sandbox_option,
)

#: Memory that is timed elsewhere than where it is linked.
place_option = click.option(
    "--place",
    multiple=True,
    metavar="WHAT=REGION",
    help="Time WHAT as if it lay in REGION of the part: functions or data by name or pattern,"
    " .section, file.c, stack, heap or vectors; several joined by '+', a range of bytes as"
    " name[:4K] or 0x20010000[:4K]. Repeatable.",
)

#: What alignment alone makes of the cycles.
layout_option = click.option(
    "--layout-sweep",
    is_flag=True,
    help="Time the run with all code shifted by the words of a cache line, too: a difference"
    " smaller than what that makes means nothing.",
)

#: How far cycles may be off.
uncertainty_option = click.option(
    "--uncertainty",
    is_flag=True,
    help="Time the run under every answer to what no source decides of the part, too: the interval"
    " of its cycles.",
)

#: Where source text may be read beside the working folder and the ELF's.
source_options = together(
    click.option(
        "--source-dir",
        "source_dirs",
        multiple=True,
        metavar="DIR",
        help="Read source files from here too; without it only from the working folder and the"
        " ELF's. Repeatable.",
    ),
    click.option(
        "--source-map",
        "source_maps",
        type=values.path_map,
        multiple=True,
        metavar="OLD=NEW",
        help="Read source files that were built below OLD from the folder NEW. Repeatable.",
    ),
)

#: Where the source lines of a page lead.
link_options = together(
    click.option(
        "--source-url",
        type=values.source_url,
        metavar="TEMPLATE",
        help="With --format html: link source lines, by an address with {path}, {line} and"
        " {commit}, such as https://HOST/REPO/blob/{commit}/{path}#L{line}. Paths are from the root"
        " of the working folder's repository; files outside of it have no link.",
    ),
    click.option(
        "--source-commit",
        metavar="ID",
        help="What {commit} of --source-url is [default: what is checked out].",
    ),
)

color_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colour of the text report; auto follows NO_COLOR.",
)

#: Colour and talk.
look_options = together(
    color_option,
    click.option("--verbose", is_flag=True, help="Tell on stderr how the simulation went."),
)


def report_options(
    formats: Sequence[str],
    output_help: str = "Write the report to FILE; the program's own output then goes to stdout.",
) -> Callable[[Command], Command]:
    """The form of the report and where it goes."""
    return together(
        click.option(
            "--format",
            "format_name",
            type=click.Choice(formats),
            default=formats[0],
            show_default=True,
            help="Form of the report.",
        ),
        click.option(
            "-o",
            "--output",
            metavar="FILE",
            help=output_help,
        ),
    )


def part_options(more: str = "", recorded: bool = False) -> Callable[[Command], Command]:
    """The part, its clock and what is changed of its model; ``more`` is added to --cpu's help.

    ``recorded``: what is not given is as it was recorded, and None.
    """
    otherwise: dict[str, Any] = {"show_default": "as recorded" if recorded else True}
    return together(
        click.option(
            "--cpu",
            metavar="NAME|FILE",
            default=None if recorded else "stm32f746",
            **otherwise,
            help=f"Part to simulate: a name of 'mcusim cpus' or a model file{more}.",
        ),
        click.option(
            "--clock",
            "clock_hz",
            type=values.clock,
            metavar="HZ",
            help="Core clock, such as 100MHz; the part's maximum if not given.",
        ),
        click.option(
            "--caches",
            type=click.Choice(["auto", "on", "off"]),
            default=None if recorded else "auto",
            **otherwise,
            help="Who decides the caches: the firmware (auto) or you.",
        ),
        click.option(
            "--voltage-scale",
            metavar="NAME",
            help="Voltage scale, such as vos1; the lowest that allows the clock if not given.",
        ),
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change the part's model, such as core.dcache.size=16K. Repeatable.",
        ),
        click.option(
            "--memory-from",
            metavar="FILE.ld",
            help="Take the part's memories from the MEMORY block of a linker script.",
        ),
    )
