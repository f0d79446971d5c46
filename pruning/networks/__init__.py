"""Networks by name: one file an architecture, or the user's own ``module:factory``."""
