"""Where to put functions and data: measured benefits, a 0/1 programme, and timing to verify it.

candidates.py says what may move, programme.py chooses and search.py times and improves; how to do
it in a build says simcore/linking.
"""

from __future__ import annotations

from simcore.advisor.advise import advise
from simcore.advisor.results import Advice

__all__ = ["Advice", "advise"]
