"""Ready-made policies, each readable in a minute; a user's own come from a file, by explicit opt-in."""

from tidemill.strategies.registry import Loaded, describe, find, names, table

__all__ = ["Loaded", "describe", "find", "names", "table"]
