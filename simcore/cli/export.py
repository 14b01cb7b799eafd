"""`mcusim export`: a network as C sources that run it on a board."""

from __future__ import annotations

import click

from simcore.cli import values
from simcore.errors import ConfigError, NetworkError


@click.command(short_help="Write a network's .tflite as C sources for a board.")
@click.argument("network", metavar="NETWORK.tflite")
@click.option("-o", "--output", metavar="DIR", required=True, help="Write the sources into DIR.")
@click.option(
    "--cpu",
    metavar="NAME|FILE",
    default="stm32f746",
    show_default=True,
    help="Part whose memories it has to fit: a name of 'mcusim cpus' or a model file.",
)
@click.option(
    "--arena",
    type=values.names,
    metavar="REGION,...",
    default=(),
    help="Memories of the part for tensors, best first; sections of their names in the C sources.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="FILE.npy|FILE.bin|random",
    help="What the example main.c gives the network, as that of 'mcusim profile'. Repeatable.",
)
@click.option(
    "--expect",
    multiple=True,
    metavar="FILE.npy|FILE.bin",
    help="Outputs with which main.c compares, as 'mcusim profile --outputs' writes them.",
)
@click.option("--force", is_flag=True, help="Replace files of the same names in DIR.")
def export(
    network: str,
    output: str,
    cpu: str,
    arena: tuple[str, ...],
    inputs: tuple[str, ...],
    expect: tuple[str, ...],
    force: bool,
) -> None:
    """Write C sources, weights and a CMake file that run NETWORK with the kernels of 'profile'.

    \b
    mcusim export network.tflite -o network
    mcusim profile network.tflite --input picture.bin --outputs result.bin
    mcusim export network.tflite -o network --input picture.bin --expect result.bin

    Tensors are planned as 'mcusim profile' has them. DIR appears whole or not at all.
    """
    from simcore.files import is_file, write_folder, write_stdout
    from simcore.network.layout import NoRoomError
    from simcore.run.spec import RunSpec
    from simcore.simulation.files import is_network
    from simcore.simulation.networks import network_program

    if is_file(network) and not is_network(network):
        raise ConfigError(f"{network}: is no network of TensorFlow Lite; give the .tflite file")
    try:
        _, _, run = network_program(RunSpec(elf=network, cpu=cpu, arena=arena, input=inputs))
    except NoRoomError as error:  # a board has what it has
        raise NetworkError(f"{error.needs}; {error.instead}") from None
    files = run.c_sources(expect)
    write_folder(output, files, force=force)
    write_stdout(f"{output}: {len(files)} files; README.md there says how to build them\n")
