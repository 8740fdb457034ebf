"""Providing liquidity to a bridge: a pool that advances transfers for a fee by utilisation, as shares that grow."""
