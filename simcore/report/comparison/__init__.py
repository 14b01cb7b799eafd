"""Two profiles beside each other as a document."""
