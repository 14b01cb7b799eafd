"""What a run is asked and told, as plain data."""
