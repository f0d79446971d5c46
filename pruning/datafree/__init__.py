"""Data-free pruning (Srinivas & Babu 2015): similar units are merged, no data is read."""
