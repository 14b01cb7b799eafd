"""Which ways through simcore's Python an input goes: modules are instrumented at import.

Each way that a statement can go, an `else` that is not written too, sets a byte. No counts and no
order: what is new shows in the number of bytes that are set. Python 3.11 has no sys.monitoring. The
C core is not watched.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import TypeGuard

#: A byte for each way, of all modules.
HITS = bytearray(1 << 17)
_NAME = "_edge_hits_"
_numbered = 0
#: Of each file, which of the ways are inside of functions: others are gone at its import.
_called: dict[str, list[int]] = {}


def install(package: str) -> None:
    """Instrument the modules of a package that are imported from now on."""
    sys.meta_path.insert(0, _Finder(package))


def reached() -> int:
    """How many ways have been gone so far."""
    return HITS.count(1)


def known() -> int:
    """How many ways the modules have that are imported."""
    return _numbered


def entered() -> list[str]:
    """The files of which a function was called so far."""
    return sorted(file for file, ways in _called.items() if any(HITS[way] for way in ways))


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != self._package:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.origin is not None and spec.origin.endswith(".py"):
                    spec.loader = _Loader(fullname, spec.origin)
                return spec
        return None


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        called = _called[path] = []
        for statement in tree.body:
            _number(statement, called)
        return compile(ast.fix_missing_locations(tree), path, "exec")

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, _NAME, HITS)
        super().exec_module(module)


def _number(node: ast.AST, called: list[int], inside: bool = False) -> None:
    """Number the ways below a statement; a class's body itself is none, it runs once."""
    inside = inside or _is_function(node)
    for name in ("body", "orelse", "finalbody"):
        statements = getattr(node, name, None)
        if isinstance(statements, list) and statements:
            for statement in statements:
                _number(statement, called, inside)
            if not isinstance(node, ast.ClassDef):
                documented = ast.get_docstring(node) if _is_function(node) else None
                at = 0 if documented is None else 1
                statements.insert(at, _mark(statements[0], called, inside))
    if isinstance(node, ast.If | ast.For | ast.While) and not node.orelse:
        node.orelse = [_mark(node, called, inside)]
    for name in ("handlers", "cases"):
        for part in getattr(node, name, ()):
            _number(part, called, inside)


def _is_function(node: ast.AST) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _mark(near: ast.AST, called: list[int], inside: bool) -> ast.stmt:
    global _numbered
    _numbered += 1
    if inside:
        called.append(_numbered)
    hits = ast.Subscript(ast.Name(_NAME, ast.Load()), ast.Constant(_numbered), ast.Store())
    return ast.copy_location(ast.Assign([hits], ast.Constant(1)), near)
