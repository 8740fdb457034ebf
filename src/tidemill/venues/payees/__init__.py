"""Accounts that are paid: plain transfers of a token to somebody else."""
