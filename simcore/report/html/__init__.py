"""What HTML reports are written with: the page, its tables and its figures."""
