"""Sushi MiniChefV2: pools that share one stream of SUSHI by points, each with a rewarder beside it if it likes."""
