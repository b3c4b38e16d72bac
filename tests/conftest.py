"""Every run of the tests tries the same examples, so that only a change turns them red.

`make test-all` searches afresh, by `--hypothesis-profile=search`.
"""

from hypothesis import settings

settings.register_profile("search", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
