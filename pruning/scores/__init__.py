"""Importance scores: one file a score."""
