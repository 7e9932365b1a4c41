"""JSON lines: objects, their keys and values, parsing, checking, writing."""
