"""Accounts, postings and marks, valuation, statement; knows a flow only by its label."""
