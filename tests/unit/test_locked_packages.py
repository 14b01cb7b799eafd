""".ci/locked: all that pyproject.toml asks for, at a version that it allows, with hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {"runtime": (), "dev": ("dev", "release"), "release": ("release",)}


def locked(name: str) -> dict[str, list[tuple[str, int]]]:
    """Version and number of hashes of each entry, by package."""
    found: dict[str, list[tuple[str, int]]] = {}
    text = (CHECKOUT / ".ci" / "locked" / f"{name}.txt").read_text("utf-8")
    for entry in re.split(r"\n(?=\S)", text):
        if not entry.startswith("#"):
            head, *hashes = entry.split(" \\\n    --hash=sha256:")
            package, _, version = head.partition(";")[0].strip().partition("==")
            assert all(re.fullmatch(r"[0-9a-f]{64}", one.strip()) for one in hashes)
            found.setdefault(canonicalize_name(package), []).append((version, len(hashes)))
    return found


def asked(extras: tuple[str, ...]) -> list[Requirement]:
    """What the project asks for with these extras, those of mcusim itself resolved."""
    extra = PROJECT["optional-dependencies"]
    found = [Requirement(text) for text in PROJECT["dependencies"]]
    todo = [Requirement(text) for name in extras for text in extra[name]]
    while todo:
        one = todo.pop()
        if one.name == "mcusim":
            todo += [Requirement(text) for name in one.extras for text in extra[name]]
        else:
            found.append(one)
    return found


@pytest.mark.parametrize("name", EXTRAS)
def test_every_package_is_locked_with_hashes_at_a_version_that_is_allowed(name: str) -> None:
    packages = locked(name)
    for one in asked(EXTRAS[name]):
        versions = [version for version, _ in packages[canonicalize_name(one.name)]]
        assert any(one.specifier.contains(version) for version in versions), (one, versions)
    assert all(count > 0 for entries in packages.values() for _, count in entries)


def test_the_files_agree_on_versions() -> None:
    dev = locked("dev")
    for name in ("runtime", "release"):
        for package, entries in locked(name).items():
            assert {version for version, _ in entries} <= {version for version, _ in dev[package]}
