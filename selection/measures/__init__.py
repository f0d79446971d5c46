"""Diversity measures: one file per measure."""

from selection.measures.measure import MEASURES, Measure, PairMeasure, team_diversity

__all__ = ["MEASURES", "Measure", "PairMeasure", "team_diversity"]
