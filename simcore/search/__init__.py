"""Searches over spaces of networks, by what they would cost."""
