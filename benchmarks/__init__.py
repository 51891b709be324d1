"""Measurements of the product on real input: `python -m benchmarks`, or `make bench`."""
