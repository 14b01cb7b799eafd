"""How many examples hypothesis tries: behind the door `all` many, before it a quarter of them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

MANY = 100


def load_profile(door: str | None) -> None:
    """The profile of a door; pytest called by hand tries all examples.

    The same examples on every run, no time limit on a busy machine: failures are no matter of luck.
    """
    count = MANY // 4 if door in ("quick", "usual") else MANY
    settings.register_profile(
        "mcusim",
        derandomize=True,
        deadline=None,
        max_examples=count,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("mcusim")


def examples(many: int) -> settings:
    """Settings of a test that needs another number of examples than MANY."""
    return settings(max_examples=many * settings().max_examples // MANY)
