"""Rehearsals: the same strategy over the same window on the model and on real contracts, compared to the wei."""
