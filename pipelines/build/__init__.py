"""Data in, artefact out: the story, where it is computed, what one sees of it."""
