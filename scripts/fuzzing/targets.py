"""All targets by name."""

from __future__ import annotations

from scripts.fuzzing import binary_targets, code_targets, text_targets

TARGETS = {
    target.name: target
    for module in (binary_targets, code_targets, text_targets)
    for target in module.TARGETS
}
