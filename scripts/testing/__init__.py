"""The engine of `make test`: finds or starts servers, runs the suites, reports."""
