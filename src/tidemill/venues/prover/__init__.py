"""Proving: batches of transactions proven for a fee, as a role a study can place."""
