"""Every run of the tests tries the same examples, so that only a change turns them red.

`make test-all` searches afresh, by `--hypothesis-profile=search`.
"""

import eth  # noqa: F401 - it raises the recursion limit, which Hypothesis would warn of in whichever test came first
from hypothesis import settings

settings.register_profile("search", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
