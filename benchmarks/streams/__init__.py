"""Pulling 100,000 customers: the product beside its peers, and beside the least that would do."""
