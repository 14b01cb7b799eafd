"""An Annotation as a document."""
