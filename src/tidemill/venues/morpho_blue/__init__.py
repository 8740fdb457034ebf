"""Morpho Blue: isolated lending markets, each of one loan token, one collateral, one oracle, one rate model, one limit."""
