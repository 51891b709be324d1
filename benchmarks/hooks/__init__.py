"""A vendor that signs its webhooks, and a reference endpoint to compare the receiver with."""
