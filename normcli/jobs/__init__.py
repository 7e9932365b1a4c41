"""What each command does, once, for the command line and for Python. One file per job."""
