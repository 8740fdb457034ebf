"""Reward campaigns paid by merkle proof: roots by epoch, cumulative amounts, a delay for disputes."""
