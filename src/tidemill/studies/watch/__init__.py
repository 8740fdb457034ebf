"""Watch real positions for what would change the plan: look, judge, remember, tell. See ``docs/watch.md``."""
