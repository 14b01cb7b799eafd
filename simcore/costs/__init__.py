"""What a run cost: counters of the C core to functions, instructions, objects and energy."""
