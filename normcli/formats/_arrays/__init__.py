"""What formats of arrays have in common: types, values in memory, and outputs whose number of rows comes last."""
