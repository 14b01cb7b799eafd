"""Mutants of a Python module: cosmic-ray's operators, one change each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from scripts.mutation.lists import one_line

#: These need names and draw numbers.
LEFT_OUT = ("core/VariableInserter", "core/VariableReplacer")


@dataclass(frozen=True, slots=True)
class PythonMutant:
    """A changed source: by which operator, at which line, how the line was and is, as one_line."""

    operator: str
    number: int
    line: str
    becomes: str
    source: str


def mutants_of(source: str) -> list[PythonMutant]:
    """All mutants of a source that are Python and mean something else, annotations aside."""
    unchanged = _meaning(source)
    found: dict[str, PythonMutant] = {}
    for operator, mutated in _mutations(source):
        try:
            meaning = _meaning(mutated)
        except SyntaxError:
            continue
        if meaning != unchanged:
            found.setdefault(meaning, _difference(operator, source, mutated))
    return sorted(found.values(), key=lambda mutant: mutant.number)


def _mutations(source: str) -> Iterator[tuple[str, str]]:
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        if name in LEFT_OUT:
            continue
        operator = get_operator(name)()
        positions = sum(1 for node in nodes for _ in operator.mutation_positions(node))
        for occurrence in range(positions):
            yield name.removeprefix("core/"), mutate_code(source, operator, occurrence)


class _WithoutAnnotations(ast.NodeTransformer):
    """Takes annotations away, which no module here evaluates."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def _meaning(source: str) -> str:
    return ast.dump(_WithoutAnnotations().visit(ast.parse(source)))


def _difference(operator: str, source: str, mutated: str) -> PythonMutant:
    before, after = source.splitlines(), mutated.splitlines()
    pairs = zip_longest(before, after)
    first = next(at for at, (old, new) in enumerate(pairs) if old != new)
    same = 0
    while same < len(before) - first - 1 and before[-1 - same] == after[-1 - same]:
        same += 1
    line = "\n".join(before[first : len(before) - same])
    becomes = "\n".join(after[first : len(after) - same])
    return PythonMutant(operator, first + 1, one_line(line), one_line(becomes), mutated)
