"""Every kind of message, as a table to be read aloud: see table.txt, and `python -m tests.messages`, which writes it."""
