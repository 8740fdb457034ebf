"""Relaying: orders of a bridge filled with one's own money and repaid later, as a role a study can place."""
