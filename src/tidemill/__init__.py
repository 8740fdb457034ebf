"""tidemill: what a Layer-2 income position really earns, net of everything."""

__version__ = "0.1.0"
__all__ = ["__version__"]
