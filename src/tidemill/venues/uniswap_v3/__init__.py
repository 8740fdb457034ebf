"""Uniswap v3: concentrated liquidity, twice (model and client)."""
