"""Published claims, made again: curves with their intervals beside the published ones."""
