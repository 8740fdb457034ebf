"""What is fast, shown as ratios measured in one run."""
