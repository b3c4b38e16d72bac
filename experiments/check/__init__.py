"""Check: from compiled contracts to what breaks them, without a line of Python.

`request` is what the command line asks for, `plan` what is deployed with which arguments, given or guessed, and `stage`
deploys it. `shards` searches on it, `saved` keeps what was found, and `teller`, `functions` and `output` say it.
"""
