"""Rules of operators' income that need no world: auctions for a place in line, provers, relayers, and who manages for others."""
