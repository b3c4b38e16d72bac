"""Why money moves, and who pays or is paid without being an account or a contract: the words of the ledger, once."""

from __future__ import annotations

from enum import StrEnum


class Edge(StrEnum):
    """A party at the edge of the world: what goes there is gone, what comes from there was not in the world before."""

    GENESIS = "genesis"  # who deploys, and whom everybody's first money comes from
    BURNT = "burnt"
    COINBASE = "coinbase"  # whom tips go to
    LAYER1 = "layer 1"  # where a rollup publishes
    ELECTRICITY = "electricity"  # who provides computing
    PEOPLE = "people"  # who work outside the chain for pay
    POST = "post office"  # who carries messages outside the chain


class Cause(StrEnum):
    """Why money moved. A protocol of one's own may have others."""

    FUNDING = "funding"  # everybody's first money
    DEPOSIT = "deposit"  # what a poster locks for a job
    STAKE = "stake"  # put up, or back
    REWARD = "reward"
    REFUND = "refund"
    SLASH = "slash"  # a share of somebody else's stake
    BOUNTY = "bounty"  # for carrying out a slash
    FEE = "fee"  # a protocol's
    GAS = "gas"  # the base fee, which burns
    TIP = "tip"  # the priority fee
    DATA = "data"  # a rollup's second fee, for publishing a transaction's bytes
    BURN = "burn"  # of a stake
    COMPUTE = "compute"  # outside the chain, of machines or people
    POSTAGE = "postage"  # outside the chain
    PAYMENT = "payment"  # between people
    AIRDROP = "airdrop"
    INTERNAL = "internal"  # between two contracts of one market
    UNKNOWN = "unknown"


FEES = (Cause.GAS.value, Cause.TIP.value, Cause.DATA.value)
OUTSIDE = (Cause.COMPUTE.value, Cause.POSTAGE.value)  # paid outside the chain, in USD
EDGE = frozenset(one.value for one in Edge)
