"""`mcusim results`: lists, filters, exports and removes what a store of results holds."""

from __future__ import annotations

import sys

import click

from simcore.cli.options import color_option, report_options
from simcore.cli.output import ColorChoice, is_terminal
from simcore.cli.running import goes_to_file, look, tell_line
from simcore.cli.stored import needed_store
from simcore.errors import ExitCode
from simcore.files import destination
from simcore.units import count

FORMATS = ("text", "csv", "jsonl", "parquet")
#: Columns of the text, where none are asked for.
SHOWN = (
    "program", "part", "configuration", "clock_hz", "cycles", "time_s", "energy_j", "end", "kind",
    "made", "key",
)  # fmt: skip


@click.command(short_help="List, export or remove kept results.")
@click.argument("store", metavar="STORE")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Only rows such as part=stm32f7*, cycles<2M, time_s<=10ms or made>=2026-11-01: a column, a"
    " comparison, a value; of texts = and != take patterns. Repeatable: all have to hold.",
)
@click.option(
    "--columns",
    metavar="NAME,...",
    help="Only these columns, in this order [default: all; in text those that fit].",
)
@click.option(
    "--sort",
    metavar="[-]NAME,...",
    help="By these columns, the smallest first, or with - the largest [default: by time].",
)
@click.option("--remove", is_flag=True, help="Remove the runs of these rows; with --where.")
@report_options(FORMATS, "Write the rows to FILE.")
@color_option
def results(
    store: str,
    where: tuple[str, ...],
    columns: str | None,
    sort: str | None,
    remove: bool,
    format_name: str,
    output: str | None,
    color: ColorChoice,
) -> ExitCode:
    """Show the results that --store of profile, whatif and study kept: a row for each configuration
    of a run.

    \b
    mcusim profile kernel.elf --store runs.db
    mcusim results runs.db
    mcusim results runs.db --where part=stm32f7* --where 'cycles<2M' --sort -energy_j
    mcusim results runs.db --format parquet -o runs.parquet
    mcusim results postgresql://team@host/runs --format jsonl
    mcusim results runs.db --where 'tool=0.1.0*' --remove

    STORE is a file of SQLite, or the URL of a database as SQLAlchemy has them. Units stand in the
    names of columns. A run is found again by its content, key: program, files, options, part and
    mcusim itself, whatever their paths. pandas, polars and DuckDB read the Parquet file; 'import
    simcore; simcore.results(STORE)' gives a data frame. Needs the extra mcusim[store].
    """
    from simcore.store.conditions import check_columns, parse_conditions
    from simcore.store.rows import COLUMNS

    conditions = parse_conditions(where)
    names, order = _names(columns), _names(sort)
    check_columns(names, "--columns")
    check_columns([name.removeprefix("-") for name in order], "--sort")
    if remove and not where:
        raise click.UsageError("--remove goes with --where: say which runs, such as 'part=*'")
    to_terminal = not goes_to_file(output) and is_terminal(sys.stdout)
    if format_name == "parquet" and to_terminal:
        raise click.UsageError("--format parquet is binary and no terminal's: write it with -o")
    with needed_store(store, "mcusim results", create=False) as opened:
        if remove:
            removed = opened.remove(conditions)
            noun = "run" if removed == 1 else "runs"
            tell_line(f"removed {count(removed)} {noun} from {opened.name}")
            return ExitCode.OK
        with destination(output, [store]) as write:
            if format_name == "text":
                from simcore.report.studies.results import render

                shown = names or list(SHOWN)
                write(
                    render(list(opened.rows(conditions, shown, order)), shown, look(output, color))
                )
                return ExitCode.OK
            wanted = names or list(COLUMNS)
            rows = opened.rows(conditions, wanted, order)
            if format_name == "csv":
                from simcore.report.page.csv import table_text

                write(table_text(list(rows), wanted))
            else:
                from simcore.store import frame

                made = (
                    frame.json_lines(rows)
                    if format_name == "jsonl"
                    else frame.parquet(rows, wanted)
                )
                write(made)
    return ExitCode.OK


def _names(text: str | None) -> list[str]:
    """Names between commas. Raises click.BadParameter for an empty one."""
    if text is None:
        return []
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise click.BadParameter(f"'{text}' is not a list of columns such as part,cycles")
    return list(dict.fromkeys(names))
