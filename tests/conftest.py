"""Every run of the tests tries the same examples, so that only a change turns them red.

`make test-all` searches afresh, by `--hypothesis-profile=search`.
"""

import signal

import eth  # noqa: F401 - it raises the recursion limit, which Hypothesis would warn of in whichever test came first
from hypothesis import settings

settings.register_profile("search", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

for name, usual in {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}.items():
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), usual)  # whoever starts the tests in the background ignores these for them
