"""Dated facts: value, as_of, source, confidence, status."""
