"""Uniswap's v3 staker: position tokens staked, rewards by the seconds that their liquidity spends in range."""
