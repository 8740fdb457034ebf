"""Savings vaults (sDAI, sUSDS): shares over a rate per second that compounds."""
