"""One module per network family: fee formulas over dated parameters."""
