"""The profile as a JSON document of schema mcusim.profile/1."""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.report import RenderOptions


def render(profile: Profile, options: RenderOptions) -> str:
    """The document of :meth:`Profile.to_json`."""
    return profile.to_json()
