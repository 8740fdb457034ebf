"""Vote escrow: tokens locked for a time, votes that decay with it, and weekly dividends by votes."""
