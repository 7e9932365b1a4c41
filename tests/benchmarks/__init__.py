"""Whole-process benchmarks of normcli against its peers: run with `python -m tests.benchmarks`."""
