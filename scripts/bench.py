"""Measure what a profile costs: what people wait for, in times of bare Unicorn (bench_rows.py);
memory against run length, what a capture takes, what a tick costs, and what long straight code
costs (the ciphers, hashes and transforms of kernels/corpus, by --straight alone).

    scripts/bench [--rounds N] [--quick | --straight | --rows] [--history FILE]
    scripts/bench --against COMMIT [--rounds N]
    scripts/bench --profile ELF

Each measurement is a process of its own, so peaks do not mix; of several rounds the best counts, of
rows the median. Ends with 1 when a limit of LIMITS is broken, here or there, or a row is a tenth
worse than the last of another commit in --history, to which it adds its own. --quick leaves out the
run of a billion instructions and the rows, --rows measures them alone. --against (against.py) ends
with 1 when a row of this tree is slower than it may be, with 2 when the commit cannot be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from scripts import against  # noqa: E402  only now is the checkout on the path
from scripts.bench_cpu import Spent  # noqa: E402
from scripts.bench_flames import draw_flames  # noqa: E402
from scripts.bench_rows import judge_rows  # noqa: E402
from scripts.ticking import with_tick  # noqa: E402

KERNELS = CHECKOUT / "kernels" / "prebuilt"
LONG_RUN = CHECKOUT / "tests" / "firmware" / "prebuilt" / "long_run.elf"
PROGRAMS = (  # each runs at least 50 million instructions
    (KERNELS / "conv2d_s8.elf", "repeat=15"),
    (KERNELS / "fully_connected_s8.elf", "repeat=500"),
    (KERNELS / "mixed.elf", "repeat=250"),
)
CORPUS = CHECKOUT / "kernels" / "corpus" / "prebuilt"
STRAIGHT = (  # cryptography, whose code is long; each runs some 20 million instructions
    ("aes_O2", 218), ("aes_unrolled", 225), ("chacha20_O2", 1800), ("chacha20_unrolled", 2340),
    ("curve25519_O2", 77), ("keccak_O2", 225), ("keccak_unrolled", 226), ("ntt_O2", 657),
    ("ntt_unrolled", 607), ("sha2_O2", 345), ("sha2_unrolled", 362),
)  # fmt: skip
LIMITS = {
    "memory growth": 1.10,
    "conv2d_s8 bytes per instruction": 1.5,
    "conv2d_s8 1 kHz tick ratio": 1.03,
    "conv2d_s8 48 kHz tick ratio": 2.0,
}
TICKS_HZ = (1000, 48_000)
STRAIGHT_LIMITS = {
    "scheduled per instruction of straight code": 4.0,
    "straight code ratio": 15.0,  # 10 M instructions/s where bare Unicorn does 150
    "straight code peak MB": 120.0,
}
TICK_ROUNDS = 5  # for one of the others


def main() -> int:
    """Do what the command line says; the exit status."""
    parser = argparse.ArgumentParser(description="speed and memory of a profile")
    parser.add_argument(
        "--rounds",
        type=rounds,
        help=f"measurements of which the best counts (3), or the median ({against.ROUNDS})",
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--quick", action="store_true", help="leave out the billion instructions")
    part.add_argument("--rows", action="store_true", help="what people wait for, as ratios")
    part.add_argument("--profile", metavar="ELF", help="write flame graphs of a profile of ELF")
    parser.add_argument(
        "--history",
        type=Path,
        metavar="FILE",
        help="of --rows: ratios by commit, compared and added",
    )
    part.add_argument("--straight", action="store_true", help="measure long straight code only")
    parser.add_argument(
        "--against", metavar="COMMIT", help="measure this commit, too, and print what changed"
    )
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["MCUSIM_CACHE"] = "off"  # a second round is to run too; other trees inherit it
    if options.child:
        how, elf, argument = options.child
        print(json.dumps(CHILDREN[how](elf, argument)))
        return 0
    if options.against is not None:
        if options.quick or options.straight or options.rows or options.profile:
            parser.error(
                "--against has rows of its own: drop --quick, --straight, --rows or --profile"
            )
        # It ends as by Ctrl-C, so that the worktree is removed.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        return measure_against(options.against, options.rounds or against.ROUNDS)
    if options.rows:
        return rows(options.rounds, options.history)
    if options.history and (options.quick or options.straight or options.profile):
        parser.error("--history is of rows, which --quick, --straight and --profile leave out")
    if options.profile:
        return draw_flames(Path(options.profile))
    if options.straight:
        return judge(measure_straight(options.rounds or 1), STRAIGHT_LIMITS)
    status = measure(options.rounds or 3, options.quick)
    return status if options.quick else max(status, rows(options.rounds, options.history))


def rows(count: int | None, history: Path | None) -> int:
    """Print what people wait for; the exit status says whether all limits hold."""
    this = against.Tree("this tree", CHECKOUT, Path(sys.executable))

    def child(how: str, elf: Path, argument: str) -> Spent:
        found = measured_in(this, how, against.Program(elf, argument))
        return Spent(found["seconds"], found["wall_s"])

    try:
        return judge_rows(child, count or against.ROUNDS, CHECKOUT, history)
    except (against.BenchError, subprocess.SubprocessError) as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 2


def rounds(text: str) -> int:
    """A number of rounds, at least one."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of rounds; say 1 or more")
    return int(text)


def measure_against(named: str, count: int) -> int:
    """Print a row for each program and kind of work; the exit status says whether all hold."""
    try:
        commit = against.find_commit(CHECKOUT, named)
        this = against.Tree("this tree", CHECKOUT, Path(sys.executable))
        with against.worktree(CHECKOUT, commit) as folder:
            other = against.build(folder, commit[:10])
            print(against.table_head(other))
            slow = 0
            programs = [against.Program(elf, argument) for elf, argument in PROGRAMS]
            for row in against.compare(this, other, programs, count, seconds_in):
                print(against.table_line(row), flush=True)
                slow += row.too_slow
    except against.BenchError as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 1 if slow else 0


def seconds_in(tree: against.Tree, how: str, program: against.Program) -> float:
    """Processor time by a tree's own bench; raises BenchError when it cannot measure."""
    return float(measured_in(tree, how, program)["seconds"])


def measured_in(tree: against.Tree, how: str, program: against.Program) -> dict[str, float]:
    """All that a tree's own bench measures; raises BenchError when it cannot."""
    bench = tree.folder / "scripts" / "bench.py"
    child = ["--child", how, str(program.elf), program.argument]
    command = [str(tree.python), "-c", against.BY_PROCESSOR_TIME, str(bench), *child]
    result = subprocess.run(command, capture_output=True, text=True, env=against.environment())
    if result.returncode:
        said = result.stderr.strip().splitlines() or ["nothing said"]
        raise against.BenchError(f"'{how}' of {program.elf.name} in {tree.name}: {said[-1]}")
    found: dict[str, float] = json.loads(result.stdout)
    return found


def measure(count: int, quick: bool) -> int:
    """Print the tables of this tree; the exit status says whether the limits hold."""
    found: dict[str, float] = {}
    print(f"{'program':22}{'M instr.':>9}{'bare s':>8}{'profile s':>10}{'ratio':>7}", end="")
    print(f"{'M cycles/s':>11}{'peak MiB':>10}")
    for elf, argument in PROGRAMS:
        plain = best(count, "bare", elf, argument)
        full = best(count, "profile", elf, argument)
        ratio = full["seconds"] / plain["seconds"]
        found[f"{elf.stem} instructions"] = full["instructions"]
        print(
            f"{elf.stem:22}{full['instructions'] / 1e6:9.1f}{plain['seconds']:8.2f}"
            f"{full['seconds']:10.2f}{ratio:7.2f}"
            f"{full['cycles'] / full['seconds'] / 1e6:11.0f}{full['peak_mib']:10.1f}"
        )

    print(f"\n{'program':22}{'record s':>10}{'replay s':>10}{'bytes/instr.':>14}")
    for elf, argument in PROGRAMS:
        capture = best(count, "replay", elf, argument)
        density = capture["bytes"] / found[f"{elf.stem} instructions"]
        found[f"{elf.stem} bytes per instruction"] = density
        print(f"{elf.stem:22}{capture['record_s']:10.2f}{capture['seconds']:10.2f}{density:14.4f}")

    lengths = (10, 100) if quick else (10, 1000)
    short, long = (best(1, "profile", LONG_RUN, f"millions={n}") for n in lengths)
    found["memory growth"] = long["peak_mib"] / short["peak_mib"]
    print(
        f"\npeak memory of {lengths[0]} M instructions {short['peak_mib']:.1f} MiB,"
        f" of {lengths[1]} M {long['peak_mib']:.1f} MiB"
        f" ({long['instructions'] / long['seconds'] / 1e6:.0f} M instructions/s)\n"
    )
    found |= measure_straight(1)
    found |= measure_ticks(count)
    return judge(found, LIMITS | STRAIGHT_LIMITS)


def measure_ticks(count: int) -> dict[str, float]:
    """Print how many times as long a program with a tick takes; the median of rounds in turns."""
    elf, argument = PROGRAMS[0]
    this = against.Tree("this tree", CHECKOUT, Path(sys.executable))
    kinds = ["profile", *(f"tick {hertz}" for hertz in TICKS_HZ)]
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(TICK_ROUNDS * count):
        for kind in kinds if number % 2 else reversed(kinds):
            times[kind].append(seconds_in(this, kind, against.Program(elf, argument)))
    found = {}
    for hertz, kind in zip(TICKS_HZ, kinds[1:], strict=True):
        pairs = zip(times[kind], times["profile"], strict=True)
        ratio = statistics.median(ticking / plain for ticking, plain in pairs)
        name = f"{elf.stem} {hertz // 1000} kHz tick ratio"
        found[name] = ratio
        print(f"{name:36}{ratio:7.3f}")
    print()
    return found


def measure_straight(count: int) -> dict[str, float]:
    """Print a row for each program of straight code; the worst of each figure by its limit's name.

    A process profiles once, so the time holds all scheduling.
    """
    print(f"{'program':20}{'M instr.':>9}{'scheduled / different':>23}{'each':>6}", end="")
    print(f"{'bare M/s':>10}{'profile M/s':>13}{'ratio':>7}{'peak MB':>9}")
    worst = dict.fromkeys(STRAIGHT_LIMITS, 0.0)
    for name, repeat in STRAIGHT:
        elf, argument = CORPUS / f"{name}.elf", f"repeat={repeat}"
        plain = best(count, "bare", elf, argument)
        full = best(count, "profile", elf, argument)
        each = full["scheduled"] / full["different"]
        millions = full["instructions"] / 1e6
        ratio = full["seconds"] / plain["seconds"]
        megabytes = full["peak_mib"] * 1.048576
        print(
            f"{name:20}{millions:9.1f}{full['scheduled']:>13,} / {full['different']:>7,}{each:6.2f}"
            f"{millions / plain['seconds']:10.0f}{millions / full['seconds']:13.1f}"
            f"{ratio:7.1f}{megabytes:9.0f}",
            flush=True,
        )
        for limit, value in zip(STRAIGHT_LIMITS, (each, ratio, megabytes), strict=True):
            worst[limit] = max(worst[limit], value)
    print()
    return worst


def judge(found: dict[str, float], limits: dict[str, float]) -> int:
    """Print each figure beside its limit; the exit status says whether all hold."""
    broken = 0
    for name, limit in limits.items():
        holds = found[name] <= limit
        broken += not holds
        verdict = "holds" if holds else "BROKEN"
        print(f"{name} {found[name]:.2f}, at most {limit:.2f}: {verdict}")
    return 1 if broken else 0


def best(rounds: int, how: str, elf: Path, argument: str) -> dict[str, float]:
    """The fastest of some measurements, each in a process of its own."""
    command = [sys.executable, __file__, "--child", how, str(elf), argument]
    results: list[dict[str, float]] = [
        json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        for _ in range(rounds)
    ]
    return min(results, key=lambda result: result["seconds"])


def peak_mib() -> float:
    """The peak resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def part_of(elf: str) -> str:
    """The part that a program is linked for."""
    return "stm32f767" if Path(elf).parent == CORPUS else "stm32f746"


def profile(elf: str, argument: str, hertz: int = 0) -> dict[str, float]:
    """One run with everything that a profile needs but its report; with a tick, if one is asked."""
    from simcore.cpu_model import load_cpu_model
    from simcore.elf import load_image
    from simcore.machine import RunOptions, run
    from simcore.run.spec import RunSpec
    from simcore.simulation.simulation import scheduled_instructions

    image, model = load_image(elf), load_cpu_model(part_of(elf))
    if hertz:
        image = with_tick(image, model.max_clock_hz // hertz)
    begin = now()
    result = run(image, model, RunOptions(model.max_clock_hz, RunSpec(args=(argument,))))
    spent = spent_since(begin)
    if (result.exit_reason, result.exit_code) != ("exit", 0):
        raise SystemExit(f"{elf} ended by {result.exit_reason} {result.exit_code}")
    total = result.counters.total()
    cycles = sum(count for column, count in total.items() if column.startswith("cycles."))
    peak = peak_mib()
    scheduled, different = scheduled_instructions(result)
    return {
        **spent,
        "instructions": total["instructions"],
        "cycles": cycles,
        "scheduled": scheduled,
        "different": different,
        "peak_mib": peak,
    }


def configurations(elf: str, argument: str, clocks: int = 2) -> dict[str, float]:
    """One execution timed under placements of code and data at several clocks and cache sizes."""
    from simcore.elf import load_image
    from simcore.run.setup import Move, load_setup
    from simcore.run.spec import RunSpec
    from simcore.simulation.live import simulate_many

    image = load_image(elf)
    code = next(s for s in image.segments if s.executable)
    # To other flash and RAM, shifted by a line and more, so that all configurations differ.
    setups = [
        load_setup(
            clock_hz=clock,
            overrides=[f"core.dcache.size={size}K"],
            moves=[Move(code.run_address, code.memory_size, code.run_address + 0x4_0000 + offset)]
            if offset
            else [],
        )
        for clock in (216_000_000, 100_000_000, *range(20_000_000, 140_000_000, 20_000_000))[
            :clocks
        ]
        for size in (4, 8)
        for offset in (0, 4, 32, 0x8000)
    ]
    begin = now()
    simulations = simulate_many(image, setups, RunSpec(args=(argument,)))
    return {
        **spent_since(begin),
        "cycles": sum(simulation.cycles for simulation in simulations),
        "peak_mib": peak_mib(),
    }


def replay(elf: str, argument: str) -> dict[str, float]:
    """A capture that is timed again, reading and checking the file included."""
    from simcore.simulation.capture import Capture, record_run

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.mcu"
        begin = time.perf_counter()
        with file.open("wb") as writer:
            record_run(elf, writer, args=(argument,))
        recorded, begin_replay = time.perf_counter(), now()
        capture = Capture(file)
        (simulation,) = capture.simulate([capture.setup()])
        return {
            **spent_since(begin_replay),
            "record_s": recorded - begin,
            "bytes": file.stat().st_size,
            "cycles": simulation.cycles,
            "peak_mib": peak_mib(),
        }


def now() -> tuple[float, float]:
    """Seconds of `time.perf_counter`, which a parent may have replaced, and of the wall clock."""
    return time.perf_counter(), time.monotonic()


def spent_since(begin: tuple[float, float]) -> dict[str, float]:
    """What a child reports of its time."""
    return {"seconds": time.perf_counter() - begin[0], "wall_s": time.monotonic() - begin[1]}


def bare(elf: str, argument: str, by_address: bool = False) -> dict[str, float]:
    """The same program on Unicorn with no hook but semihosting, peripherals reading as 0.

    by_address: memory is mapped in order of its addresses and not largest first, for which the
    engine translates again and again (`map_memory()` says why).
    """
    import unicorn
    from unicorn import arm_const as arm
    from unicorn import unicorn_const as uc_const

    from simcore.cpu_model import load_cpu_model
    from simcore.elf import load_image
    from simcore.machine import map_memory
    from simcore.machine.engine import map_region, new_engine
    from simcore.machine.loader import LoadedMemory
    from simcore.machine.semihosting import ProgramExit, Semihosting
    from simcore.run.options import command_line

    image, model = load_image(elf), load_cpu_model(part_of(elf))
    begin = now()
    memory = LoadedMemory(model, image)
    memory.load(image)
    boot = memory.boot(image)
    if by_address:
        uc = new_engine()
        for region in sorted(memory.regions, key=lambda region: region.base):
            map_region(uc, memory, region)
    else:
        uc = map_memory(memory)
    for base, size in ((0x4000_0000, 0x2000_0000), (0xE000_0000, 0x10_0000)):
        uc.mmio_map(base, size, lambda *_: 0, None, lambda *_: None, None)
    line = command_line(Path(elf).name, (argument,))
    host = Semihosting(memory, lambda: 0, model.max_clock_hz, command_line=line)

    def on_interrupt(uc: unicorn.Uc, _number: int, _: object) -> None:
        r0, r1, pc = map(uc.reg_read, (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_PC))
        result = host.call(r0, r1)
        if isinstance(result, ProgramExit):
            uc.emu_stop()
        else:
            uc.reg_write(arm.UC_ARM_REG_R0, result)
            uc.reg_write(arm.UC_ARM_REG_PC, (pc + 2) | 1)

    uc.hook_add(uc_const.UC_HOOK_INTR, on_interrupt)
    uc.reg_write(arm.UC_ARM_REG_SP, boot.sp)
    uc.emu_start(boot.pc, 0xFFFF_FFFE)
    return {**spent_since(begin), "peak_mib": peak_mib()}


CHILDREN: dict[str, Callable[[str, str], dict[str, float]]] = {
    "bare": bare,
    "bare by address": partial(bare, by_address=True),
    "profile": profile,
    **{f"tick {hertz}": partial(profile, hertz=hertz) for hertz in TICKS_HZ},
    "configurations": configurations,
    "configurations 64": partial(configurations, clocks=8),
    "replay": replay,
}

if __name__ == "__main__":
    sys.exit(main())
