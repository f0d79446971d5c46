"""M → S: validated predictions, diversity measures, focal diversity, selection methods."""
