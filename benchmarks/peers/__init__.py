"""Other people's tools on the same work as ours, installed only on request and run as programs of their own."""
