"""ERC-4626 vault (OpenZeppelin's, with its decimals offset): a share of a pot that grows."""
