"""Measured, never asserted: `python -m benchmarks NAME` runs a row and appends it to RESULTS.md."""
