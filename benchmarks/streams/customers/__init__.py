"""An app with the table that the product fills in the benchmark of streams."""
