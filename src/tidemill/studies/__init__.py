"""Backtest, compare, sweep, stress, optimise, plan."""
