"""Many runs: the executor, and what is made of its rows."""
