"""Synthetix StakingRewards: a fixed reward stream shared by stake and time."""
