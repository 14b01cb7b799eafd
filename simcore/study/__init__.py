"""Studies over the kernel suite: many runs of the runner ELF, kept one by one, put side by side."""
