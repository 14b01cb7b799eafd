#!/usr/bin/env python3
"""Check that every citation and every link opens: a path of this repository, or an address.

    scripts/check_citations.py

- Each entry of a [sources] table, and each network's source, names a path or an https address.
- Each path of the repository that any text names exists; a section named behind a page of
  docs/sources, as in "docs/sources/silicon.md 3.1", is a heading of it.
- Each link of a Markdown file leads to a file, and its anchor to a heading of that file.
- Addresses are checked by their form alone; nothing is fetched.

Prints one line per problem and ends with 1 if there is any.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("cpu_models", "docs", "kernels", "scripts", "simcore", "tests")
SUFFIXES = {
    "",
    ".c",
    ".csv",
    ".h",
    ".ini",
    ".j2",
    ".ld",
    ".md",
    ".py",
    ".pyi",
    ".s",
    ".toml",
    ".yml",
}
NOT_READ = (
    "docs/sources/",  # restated as they came; what they call "file" is not in this repository
    "tests/unit/test_citations.py",  # broken on purpose
    "tests/fuzz/found/",  # hostile input, some of it no text
    "tests/fuzz/seeds/",
)
# Written by a test for a moment; a name in capitals stands for many.
INVENTED = ("simcore/new.py",)

_PATH = re.compile(
    rf"(?<![\w./*{{-])(?:{'|'.join(FOLDERS)})/[\w./-]*\w"
    r"\.(?:c|csv|css|elf|h|j2|js|json|ld|md|py|pyi|toml|txt|yml)\b"
)
_SECTION = re.compile(
    r"docs/sources/([\w-]+\.md) (\(\w\)|\d(?:\.\d)?)(?: (?:to|and) (\d(?:\.\d)?))?"
)
_ABSENT = re.compile(r"(?<![\w.])(?:\.\./)?shared/(?:reference|design|style)|timing[ ]page")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_ADDRESS = re.compile(r"https?://[^\s\"'`)>{}]+(?![^\s\"'`)>]*[{}])")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)


def problems(root: Path = ROOT) -> list[str]:
    """Everything that does not open, one line each."""
    found = []
    for path in texts(root):
        name = path.relative_to(root).as_posix()
        if name.startswith(NOT_READ):
            continue
        text = path.read_text(encoding="utf-8")
        found += [f"{name}:{line}: {what}" for line, what in text_problems(text, root)]
        if path.suffix == ".md":
            found += [f"{name}:{line}: {what}" for line, what in link_problems(text, path, root)]
        if path.suffix == ".toml" and name.startswith(("cpu_models/", "simcore/study/")):
            found += [f"{name}: {what}" for what in source_problems(text, root)]
    return found


def texts(root: Path) -> Iterator[Path]:
    """The text files that people write, in order."""
    yield from sorted(root.glob("*.md"))
    yield from sorted(root.glob("pyproject.toml"))
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            hidden = {"__pycache__", "prebuilt", "elf_sample"} & set(path.parts)
            if path.is_file() and path.suffix in SUFFIXES and not hidden:
                yield path


def text_problems(text: str, root: Path) -> Iterator[tuple[int, str]]:
    """Paths and sections that do not exist, and places that no clone has, with their lines."""
    for number, line in enumerate(text.splitlines(), start=1):
        for path in _PATH.findall(line):
            named = not Path(path).stem.isupper() and path not in INVENTED
            if named and not (root / path).exists():
                yield number, f"there is no {path}"
        for page, first, last in _SECTION.findall(line):
            for section in filter(None, (first, last)):
                if not has_section(root / "docs" / "sources" / page, section):
                    yield number, f"docs/sources/{page} has no section {section}"
        for match in _ABSENT.findall(line):
            yield number, f"'{match}' is no place in this repository"
        for address in _ADDRESS.findall(line):
            if not is_address(address):
                yield number, f"{address} is no address"


def link_problems(text: str, page: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Links of a Markdown page that lead nowhere, with their lines."""
    prose = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    for number, line in enumerate(prose.splitlines(), start=1):
        for target in _LINK.findall(line):
            if "://" in target:
                continue
            path, _, anchor = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            if not there.exists() or not there.is_relative_to(root.resolve()):
                yield number, f"the link to {target} leads to no file"
            elif anchor and (there.suffix != ".md" or anchor not in anchors(there)):
                yield number, f"the link to {target} leads to no heading"


def source_problems(text: str, root: Path) -> Iterator[str]:
    """Sources of a data file that name neither a path nor an address."""
    tree = tomllib.loads(text)
    cited = dict(tree.get("sources", {}))
    cited |= {row["name"]: row["source"] for row in tree.get("network", ()) if "source" in row}
    for tag, citation in cited.items():
        paths = [path for path in _PATH.findall(citation) if (root / path).exists()]
        if not paths and not any(map(is_address, _ADDRESS.findall(citation))):
            yield f"source {tag} names no path of this repository and no address"


def is_address(text: str) -> bool:
    """Whether it has the form of an address; examples may stand on a host without a dot."""
    try:
        parts = urlsplit(text)
        return (
            bool(re.fullmatch(r"[\w-]+(\.[\w-]+)*", parts.hostname or "")) and (parts.port or 1) > 0
        )
    except ValueError:
        return False


def has_section(page: Path, section: str) -> bool:
    """Whether a page has the heading "(a) ..." or "3.1 ..."."""
    mark = re.escape(section) if section.startswith("(") else re.escape(section) + r"[. ]"
    return page.exists() and any(re.match(mark, heading) for heading in headings(page))


@cache
def headings(page: Path) -> tuple[str, ...]:
    """The headings of a Markdown page."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return tuple(re.findall(r"^#{1,6} +(.*?) *$", prose, re.M))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that the headings of a page get, as MkDocs and forges make them."""
    names = set()
    for heading in headings(page):
        plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
        names |= {re.sub(r"[-\s]+", "-", plain), plain.replace(" ", "-")}
    return frozenset(names)


def main() -> int:
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
