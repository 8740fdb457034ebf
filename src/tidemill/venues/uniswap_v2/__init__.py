"""Uniswap v2, and SushiSwap, whose pairs are the same code."""
