"""Data sets as stratified, disjoint parts; start at `pruning.data.load.load_splits`."""
