"""Work that does next to nothing, as an app: its `provider.py` is found where it is installed."""
