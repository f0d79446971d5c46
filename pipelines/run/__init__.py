"""The run directory and what is in it: configuration, plan, members, predictions."""
