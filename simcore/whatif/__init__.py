"""What-if studies: one program under several configurations, each with what it changes and why.

configuration.py and config_file.py read what is asked for, study.py times it, results.py holds it.
"""

from __future__ import annotations

from simcore.whatif.configuration import Configuration
from simcore.whatif.results import WhatIf
from simcore.whatif.study import what_if

__all__ = ["Configuration", "WhatIf", "what_if"]
