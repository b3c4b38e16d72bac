"""Units: wei, gwei and ether for money, whole nanoseconds for time inside, seconds outside."""

GWEI = 10**9  # wei
ETH = 10**18  # wei; also the smallest units of one token with 18 decimals
SECOND = 10**9  # nanoseconds
BPS = 10_000  # basis points in one


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds in `seconds`, rounded to the nearest."""
    return seconds * SECOND if isinstance(seconds, int) else round(seconds * SECOND)


def seconds(nanos: int) -> float:
    """Seconds in whole nanoseconds: exact to a quarter of a microsecond for Unix times."""
    return nanos / SECOND
