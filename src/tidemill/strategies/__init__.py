"""Ready-made policies, each readable in a minute."""
