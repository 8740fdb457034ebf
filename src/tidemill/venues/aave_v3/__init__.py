"""Aave v3 as of v3.0.2: interest by the binomial, borrowing at variable rates."""
