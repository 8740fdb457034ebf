"""Wallet, limits, journal, sender, reconciliation; sends nothing it has not journalled and simulated."""
