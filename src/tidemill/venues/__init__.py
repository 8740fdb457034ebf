"""One folder per protocol, each twice: a model and a client."""
