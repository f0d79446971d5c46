"""The story: configuration, the run directory, build, compare, report, commands."""
