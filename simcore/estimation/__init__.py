"""What a network costs as the sum of its layers, each run once and remembered: an estimate."""
