"""A liquidity bridge from the user's side: send here, somebody pays there out of his own money; a refund where nobody does."""
