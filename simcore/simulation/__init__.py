"""One execution under many configurations, live or from a capture."""
