"""The income of whoever runs a rollup: fees of its users, less what Ethereum takes for their data, proofs and shares."""
