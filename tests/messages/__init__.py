"""Every kind of message, as a table to be read aloud: table.txt, which `python -m tests.messages` writes."""
