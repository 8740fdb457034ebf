"""Statements of real positions: what an account held and did, read back from a chain or from files, and stated by the ledger."""
