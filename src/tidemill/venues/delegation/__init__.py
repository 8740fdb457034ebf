"""Delegated stake: tokens lent to a validator's weight for a part of what the network mints, or of a programme's money."""
