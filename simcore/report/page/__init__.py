"""What text reports are written with: the console and tables that fit any width."""
