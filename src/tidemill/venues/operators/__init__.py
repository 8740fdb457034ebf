"""Rules of operators' income that need no world: provers, relayers, and who manages for others."""
