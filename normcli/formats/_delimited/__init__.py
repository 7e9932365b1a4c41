"""Delimited text, whatever its delimiter: dialects, headers, parsing, checking, writing."""
