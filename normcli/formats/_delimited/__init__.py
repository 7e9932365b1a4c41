"""Delimited text with any delimiter: dialects, headers, parsing, checking, writing."""
