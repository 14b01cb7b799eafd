"""The JSON output is the profile itself."""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.profile import render
from tests.unit.handmade import kernel_profile


def test_the_json_report_is_the_profile() -> None:
    text = render(kernel_profile(), "json", RenderOptions(width=20, color=True, top=1))
    assert Profile.from_json(text) == kernel_profile()


def test_display_options_leave_the_json_alone() -> None:
    assert render(kernel_profile(), "json", RenderOptions(top=1)) == kernel_profile().to_json()
