"""A network runs: probabilities, memory layout, plain MLPs as one, what a sample costs."""
