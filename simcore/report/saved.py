"""JSON documents that mcusim wrote, read again to be shown in another format.

A document may come from anybody. Its values are checked against its type, control characters
become question marks, so that no text of it moves a terminal's cursor or begins a line of its own,
and what cannot be shown is an error of one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from simcore.costs.profile import Profile, one_line
from simcore.errors import ConfigError
from simcore.files import MOST_BYTES, read_regular
from simcore.plain import RecordError, from_plain
from simcore.report import RenderOptions
from simcore.report.profile import SEVERAL_PARTS, document, needed


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind of document: what it is called, its class, and what renders it."""

    noun: str
    cls: str  # with its module
    package: str  # of simcore.report, with FORMATS and render()

    @property
    def renderer(self) -> ModuleType:
        """The module that renders it."""
        return import_module(f"simcore.report.{self.package}")

    def read(self, plain: Any) -> Any:
        """The document of plain values. Raises RecordError."""
        home, _, name = self.cls.rpartition(".")
        return from_plain(getattr(import_module(home), name), plain)


#: The documents that can be shown, by their schema.
KINDS = {
    "mcusim.profile/1": DocumentKind("profile", "simcore.costs.profile.Profile", "profile"),
    "mcusim.annotation/1": DocumentKind(
        "annotation", "simcore.annotation.Annotation", "annotation"
    ),
    "mcusim.comparison/1": DocumentKind(
        "comparison", "simcore.comparison.comparison.Comparison", "comparison"
    ),
    "mcusim.check/1": DocumentKind("check", "simcore.checking.results.CheckResult", "check"),
    "mcusim.whatif/1": DocumentKind(
        "what-if study", "simcore.whatif.results.WhatIf", "studies.whatif"
    ),
    "mcusim.energy-sweep/1": DocumentKind(
        "energy sweep", "simcore.whatif.energy_sweep.EnergySweep", "studies.energy_sweep"
    ),
    "mcusim.advice/2": DocumentKind("advice", "simcore.advisor.results.Advice", "studies.advice"),
    "mcusim.sweep/1": DocumentKind("sweep", "simcore.sweep.results.SweepResult", "studies.sweep"),
    "mcusim.study-ops/1": DocumentKind(
        "study of operations", "simcore.study.ops.OpsStudy", "studies.ops"
    ),
    "mcusim.study-networks/1": DocumentKind(
        "study of networks", "simcore.study.networks.NetworkStudy", "studies.networks"
    ),
    "mcusim.study-ranking/1": DocumentKind(
        "study of rankings", "simcore.search.ranking.RankingStudy", "studies.ranking"
    ),
    "mcusim.search/1": DocumentKind(
        "search", "simcore.search.results.SearchResult", "studies.search"
    ),
}
_PROFILE = KINDS["mcusim.profile/1"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
#: Keys whose texts have several lines.
_LINES = ("applied_script", "args", "attributes", "linker_script", "output")

_NO_RUN = (
    "a JSON profile holds no hot loops, no source text and nothing that the program printed: the"
    " page is without them; 'mcusim profile --format html' has them"
)
_NO_MODEL = (
    "the page is without a roofline: this mcusim has not the model of '{}' that the profile was"
    " made with"
)
_NO_ENERGY = (
    "a JSON profile holds no energy by instruction: that of a function stands at its entry;"
    " 'mcusim profile --format {}' shares it out"
)


@dataclass(frozen=True, slots=True)
class Saved:
    """A document that was read; several profiles are those of several parts."""

    name: str  # of the file
    kind: DocumentKind
    documents: tuple[Any, ...]

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that it can be shown in."""
        if len(self.documents) > 1:
            return SEVERAL_PARTS
        found: tuple[str, ...] = self.kind.renderer.FORMATS
        return found

    def with_symbols(self) -> Saved:
        """The same with names as the symbol table has them. Raises ConfigError but for profiles."""
        if self.kind is not _PROFILE:
            raise ConfigError(f"{self.name}: --no-demangle is for profiles, not {self.kind.noun}")
        from simcore.report.symbols import with_symbols

        return replace(self, documents=tuple(map(with_symbols, self.documents)))

    def render(
        self, format_name: str, options: RenderOptions
    ) -> tuple[str | bytes, tuple[str, ...]]:
        """It in one of its formats, and a line for each thing that the format lacks.

        Raises ConfigError when it does not hold what the format needs, or is corrupt.
        """
        try:
            if self.kind is not _PROFILE:
                return self.kind.renderer.render(self.documents[0], format_name, options), ()
            if len(self.documents) > 1:
                from simcore.report.profile import parts

                return parts.render(self.documents, format_name, options), ()
            return self._profile(self.documents[0], format_name, options)
        except ConfigError as error:
            raise ConfigError(f"{self.name}: {error}") from None
        except (LookupError, ValueError, TypeError, ArithmeticError, AssertionError) as error:
            # Numbers that do not fit each other, which no run makes.
            reason = f"{type(error).__name__}: {one_line(error)}"
            what = f"corrupt {self.kind.noun}: cannot be shown as {format_name}"
            raise ConfigError(f"{self.name}: {what} ({reason})") from error

    def _profile(
        self, profile: Profile, format_name: str, options: RenderOptions
    ) -> tuple[str | bytes, tuple[str, ...]]:
        for table in needed(format_name, options.section):
            if getattr(profile, table) is None:
                raise ConfigError(
                    f"the profile holds no {table}, which --format {format_name} needs: profile"
                    f" the ELF again with --{table}"
                )
        lacking: list[str] = []
        if format_name == "html":
            from simcore.report.html.details import saved_details

            details = saved_details(profile)
            lacking.append(_NO_RUN)
            if details.ceilings is None:
                lacking.append(_NO_MODEL.format(profile.cpu.name))
            options = replace(options, details=details)
            # A page travels: it says itself what it lacks.
            profile = replace(profile, warnings=(*profile.warnings, *lacking))
        elif format_name in ("callgrind", "pprof"):
            lacking.append(_NO_ENERGY.format(format_name))
        return document(profile, format_name, options), tuple(lacking)


def load(path: str) -> Saved:
    """Read a document of one of KINDS, or a list of profiles. Raises ConfigError."""
    plain = _read(path)
    if isinstance(plain, list) and plain:
        found = [read_document(each, f"{path}: profile {n}") for n, each in enumerate(plain, 1)]
        if any(kind is not _PROFILE for kind, _ in found):
            raise ConfigError(f"{path}: a list of something else than profiles")
        return Saved(path, _PROFILE, tuple(profile for _, profile in found))
    kind, one = read_document(plain, path)
    return Saved(path, kind, (one,))


def load_profile(path: str) -> Profile:
    """Read a document that is one profile, as :func:`load` does. Raises ConfigError."""
    saved = load(path)
    if saved.kind is not _PROFILE or len(saved.documents) > 1:
        what = saved.kind.noun if saved.kind is not _PROFILE else "several profiles"
        raise ConfigError(f"{path}: holds {what} where one profile is wanted")
    profile: Profile = saved.documents[0]
    return profile


def _read(path: str) -> Any:
    file = Path(path)
    try:
        if not file.is_file():  # a device may never end
            what = "is no file" if file.exists() else "no such file; check the path"
            raise ConfigError(f"{path}: {what}")
        return json.loads(read_regular(file, MOST_BYTES).decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; check the path") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not a JSON document: {one_line(error)}") from None


def read_document(plain: Any, name: str) -> tuple[DocumentKind, Any]:
    """The document that plain values are, checked; ``name`` is for messages. Raises ConfigError."""
    schema = plain.get("schema") if isinstance(plain, dict) else None
    if not isinstance(schema, str):
        raise ConfigError(f"{name}: not a document of mcusim: it has no 'schema' key")
    if schema not in KINDS:
        shown = _CONTROL.sub("?", schema[:60])
        raise ConfigError(
            f"{name}: has schema '{shown}', and this mcusim shows {', '.join(KINDS)}: write it"
            " again with this version"
        )
    kind = KINDS[schema]
    if kind.noun == "check":
        plain.pop("exit_code", None)  # follows from the rest
    try:
        if kind is _PROFILE:
            _refuse_negative(plain)
        found = kind.read(tidy(plain))
    except (RecordError, RecursionError) as error:
        raise ConfigError(f"{name}: corrupt {kind.noun}: {one_line(error)}") from None
    if kind is _PROFILE and found.cpu.clock_hz == 0:
        raise ConfigError(f"{name}: corrupt profile: 'cpu.clock_hz' is 0")
    return kind, found


def _refuse_negative(plain: Any, key: str = "") -> None:
    """A profile's numbers count and measure; only the program's exit code has a sign."""
    for name, value in _items(plain, key):
        if isinstance(value, dict | list):
            _refuse_negative(value, name)
        elif isinstance(value, int | float) and value < 0 and name != "code":
            raise RecordError(f"'{_CONTROL.sub('?', name)}' is negative")


def _items(plain: dict[str, Any] | list[Any], key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(plain, dict):
        yield from plain.items()
    else:
        yield from ((key, value) for value in plain)


def tidy(plain: Any, key: str = "") -> Any:
    """The same values without control characters and halves of characters in texts."""
    if isinstance(plain, dict):
        return {_CONTROL.sub("?", name): tidy(value, name) for name, value in plain.items()}
    if isinstance(plain, list):
        return [tidy(value, key) for value in plain]
    if isinstance(plain, str):
        return (_CONTROL_IN_LINES if key in _LINES else _CONTROL).sub("?", plain)
    return plain
