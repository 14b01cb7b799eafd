"""A profile as a document: a file per --format, and what several of them share."""
