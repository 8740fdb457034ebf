"""Managing for others: a book of clients charged on assets and on profit, as a role a study can place."""
