"""Blocks of numbers, and records of arrays: numeric data without names and types."""
