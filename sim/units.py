"""Units: wei, gwei and ether for money, whole nanoseconds for time inside, seconds outside."""

GWEI = 10**9  # wei
ETH = 10**18  # wei; also the smallest units of one dollar in the ledger
DECIMALS = 18  # of ether and the ledger's dollars, and of a token that does not say
SECOND = 10**9  # nanoseconds
BPS = 10_000  # basis points in one


def to_units(amount: float, decimals: int = DECIMALS) -> int:
    """Return the smallest units in an amount of whole ones.

    Args:
        amount: whole ones.
        decimals: 10 to this many smallest units make a whole one.

    Raises:
        ValueError: it is no whole number of them, not even nearly: 0.5 of what has no decimals, say.
    """
    exact = amount * 10**decimals
    units: int = round(exact)
    if abs(units - exact) > 1e-6 * abs(exact):
        raise ValueError(f"{amount:g} of an asset with {decimals} decimals is no whole number of its smallest units")
    return units


def nanoseconds(seconds: float) -> int:
    """Return the whole nanoseconds in `seconds`, rounded to the nearest."""
    return seconds * SECOND if isinstance(seconds, int) else round(seconds * SECOND)


def seconds(nanos: int) -> float:
    """Return the seconds in whole nanoseconds: exact to a quarter of a microsecond for Unix times."""
    return nanos / SECOND
