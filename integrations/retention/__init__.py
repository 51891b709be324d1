"""How long rows are kept, and the pruning of those that are kept no longer: docs/operations.md."""
