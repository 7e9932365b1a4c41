"""Blocks of numbers, and records of arrays: numbers and nothing else."""
