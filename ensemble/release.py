"""Which version of the distribution this is."""

from importlib.metadata import version

__version__ = version("dropnet-ensemble")
