"""Scaled integers with rounding in every name, and the rule language."""
