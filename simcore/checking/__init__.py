"""What a change costs in CI: plans, limits, baselines and verdicts of `mcusim check`."""
