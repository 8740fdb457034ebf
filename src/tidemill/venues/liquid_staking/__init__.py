"""Liquid staking: a token whose exchange rate grows, its queue of withdrawals, and its bridged form on other networks."""
