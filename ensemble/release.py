"""Which version of the distribution this is."""

from importlib.metadata import version

from ensemble.installed import distribution

__version__ = version(distribution())
