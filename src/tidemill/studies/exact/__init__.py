"""Exact twins of the float tier: the same drawn hours through integer rules, to the wei, for fewer paths."""
