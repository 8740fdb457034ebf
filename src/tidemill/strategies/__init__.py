"""Ready-made policies, each readable in a minute; and loading a user's own, by explicit opt-in."""

from tidemill.strategies.loading import Loaded, card, load, names

__all__ = ["Loaded", "card", "load", "names"]
