"""What people run: the command line, runs, and everything made of many runs."""
