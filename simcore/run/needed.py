"""Which files a run reads, for one that is done on another machine."""

from __future__ import annotations

from contextlib import suppress

from simcore.cpu_model import is_model_file
from simcore.errors import ConfigError, McusimError
from simcore.files import is_file
from simcore.run.spec import RunSpec


def needed_files(spec: RunSpec) -> list[str]:
    """The files of this machine that a run reads, those beside the ones that it names too.

    Raises ConfigError for a run that writes files or reads standard input.
    """
    if spec.is_beyond or spec.is_given_input:
        raise ConfigError(
            "--scheduler: what runs on other machines has no folder, outputs or standard input of"
            " this one: leave --semihost-dir, --outputs, --verify and --uart PORT=- away"
        )
    found = list(spec.files)
    for part in filter(None, (spec.cpu, spec.linked_for)):
        if is_model_file(part):
            from simcore.cpu_model.tree import model_files

            found += map(str, model_files(part))
    if spec.debug_file is None:
        from simcore.elf import debug_places

        places: list[str] = []
        with suppress(McusimError):  # no ELF, or one that the run refuses
            places += debug_places(spec.runner_file or spec.elf, spec.debug_dir)
        found += [name for name in places if is_file(name)]
    elif spec.debug_file:
        found.append(spec.debug_file)
    if spec.debug_dir is not None:
        found.append(spec.debug_dir)
    return list(dict.fromkeys(found))
