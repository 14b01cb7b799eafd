"""Where to put functions and data: screened by mechanism, judged over layouts, with a promise.

candidates.py says what may move, programme.py chooses, search.py screens and judges over the
layouts of layouts.py, put_together.py writes it down; how to do it in a build says
simcore/linking. docs/model/placement.md says how a promise is made.
"""

from __future__ import annotations

from simcore.advisor.advise import advise
from simcore.advisor.results import Advice

__all__ = ["Advice", "advise"]
