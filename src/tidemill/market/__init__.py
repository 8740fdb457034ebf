"""What happened: typed event, price and fee tables; ingestion, store, inference, generators."""
