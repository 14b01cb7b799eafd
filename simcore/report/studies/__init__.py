"""What-if studies, energy sweeps, advice, and studies of operations and networks as documents."""
