"""Neural networks: a model file as a graph, its tensors in memories, an ELF that runs it."""
