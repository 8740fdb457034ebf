"""From what is on offer to what to hold: read a list, doubt it by stated rules, expect, allocate. See ``docs/plan.md``."""
