"""The C core's one face: what Python asks of it and copies out of it."""
