"""The tables of a ledger: every column with its type and what it means.

Times are whole nanoseconds (Unix). Money is whole smallest units: 10**18 of them are one ether (wei) or one dollar of
compute; of a token its decimals say how many, which are in the tables' metadata. Names are those of accounts
("trainer/3", its second identity "trainer/3+1") or of contracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.sim.ledger.money import Cause, Edge

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    kind: str  # i32 | i64 | f64 | bool | str | money; with a "?" it may hold None
    meaning: str

    @property
    def type(self) -> str:
        """The kind of its values, when there are any."""
        return self.kind.removesuffix("?")

    @property
    def nullable(self) -> bool:
        """Whether None is one of its values."""
        return self.kind.endswith("?")


TABLES: Mapping[str, Mapping[str, Column]] = {
    "blocks": {
        "block": Column("i64", "number of the block"),
        "time_ns": Column("i64", "its timestamp"),
        "base_fee": Column("money", "wei per gas"),
        "gas_used": Column("i64", "gas"),
        "gas_limit": Column("i64", "gas"),
        "txs": Column("i32", "transactions in it"),
        "backlog": Column("i32", "intentions still pending after it"),
    },
    "transactions": {
        "block": Column("i64", "number of the block that it is in, was dropped in, or was pending after at the end"),
        "index": Column("i32", "place in the block; -1 when it is in none"),
        "time_ns": Column("i64", "timestamp of the block"),
        "sent_ns": Column("i64", "when its account sent it"),
        "account": Column("str", "who signed it"),
        "controller": Column("str", "the person behind the account"),
        "role": Column("str", "the role played"),
        "duty": Column("str", "which answers led to it, as duty=Class.method, with spaces between; may be empty"),
        "verb": Column("str", "what it does in the words of the protocol: posts, submits, claims …"),
        "job": Column("str?", "key of the job"),
        "subject": Column("str?", "what it is about within the job"),
        "contract": Column("str", "name of the contract called"),
        "function": Column("str", "name of the function called"),
        "args": Column("str", "JSON of the arguments by name; large integers as strings, bytes as 0x…"),
        "value": Column("money", "wei sent along"),
        "gas_limit": Column("i64", "gas declared"),
        "gas": Column("i64", "gas used"),
        "burned": Column("money", "wei of base fee"),
        "tipped": Column("money", "wei of priority fee"),
        "status": Column("str", "success | reverted | halted | dropped | pending when the run ended"),
        "reason": Column("str?", "decoded revert, or why it was halted, dropped or still pending"),
        "latency_ns": Column("i64", "block time less sent"),
    },
    "events": {
        "block": Column("i64", "number of the block"),
        "tx": Column("i32", "index of the transaction"),
        "log": Column("i32", "place among the logs of the block"),
        "time_ns": Column("i64", "timestamp of the block"),
        "contract": Column("str", "who emitted it"),
        "event": Column("str", "its name"),
        "job": Column("str?", "key of the job"),
        "args": Column("str", "JSON of the arguments by name"),
    },
    "transfers": {
        "block": Column("i64", "number of the block"),
        "tx": Column("i32", "index of the transaction; -1 when there is none (genesis, compute)"),
        "time_ns": Column("i64", "when"),
        "asset": Column("str", "ETH, USD (outside the chain), or the symbol of a token"),
        "sender": Column("str", "account, contract or genesis"),
        "receiver": Column("str", f"account, contract, or one of: {', '.join(Edge)}"),
        "amount": Column("money", "smallest units of the asset"),
        "cause": Column("str", f"{', '.join(Cause)}; or a protocol's own"),
        "job": Column("str?", "key of the job"),
    },
    "duties": {
        "time_ns": Column("i64", "when it was answered"),
        "account": Column("str", "who was asked"),
        "controller": Column("str", "the person behind the account"),
        "role": Column("str", "the role played"),
        "duty": Column("str", "enter | work | claim | judge | open | truth | settle | fetch (in vain), or others"),
        "job": Column("str?", "key of the job"),
        "subject": Column("str?", "what it is about within the job"),
        "by": Column("str", "the method that answered, as Class.method"),
        "answer": Column("str", "what it answered"),
    },
    "models": {
        "time_ns": Column("i64", "when it was ready"),
        "account": Column("str", "who trained it"),
        "controller": Column("str", "the person behind the account"),
        "job": Column("str", "key of the job"),
        "cid": Column("str", "content identifier"),
        "effort": Column("f64", "share of the full training"),
        "seconds": Column("f64", "simulated seconds on its device"),
        "correct": Column("i32?", "right answers on the job's test set: nobody inside the world knows"),
        "scale": Column("i32", "questions in the job's test set"),
        "kind": Column("str", "architecture, or surrogate"),
        "bytes": Column("i32", "size as stored"),
    },
    "jobs": {
        "job": Column("str", "key"),
        "market": Column("str", "name of the market"),
        "poster": Column("str", "account that posted it"),
        "reward": Column("money", "smallest units of the asset"),
        "stake": Column("money", "smallest units of the asset"),
        "scale": Column("i32", "the count that a perfect delivery reaches"),
        "unit": Column("str", "what is counted"),
        "asset": Column("str", "what the reward is paid in"),
        "born_ns": Column("i64", "when it was posted"),
        "deadline_ns": Column("i64", "until when work is taken"),
        "closed_ns": Column("i64?", "when it ended; None when it never did"),
        "outcome": Column("str?", "how it ended"),
        "winner": Column("str?", "account whose work was delivered"),
        "delivered": Column("i32?", "right answers of what was delivered, of `scale`; None when nothing was"),
        "value_usd": Column("f64?", "what the buyer would have paid for what was delivered"),
        "fooled": Column(
            "f64?",
            "share of marked test items that what was delivered takes for a backdoor's class, by the worst of those "
            "that somebody trained for the job; None where nobody did",
        ),
    },
    "accounts": {
        "account": Column("str", "name"),
        "controller": Column("str", "the person behind it"),
        "roles": Column("str", "the roles that it plays"),
        "strategy": Column("str", "honest, bystander, or the attacks of its controller joined by +"),
        "attacker": Column("bool", "whether its controller is one"),
        "address": Column("str", "0x…"),
    },
    "holdings": {
        "account": Column("str", "whose it is"),
        "asset": Column("str", "ETH or the symbol of a token"),
        "kind": Column("str", "balance, or owed: may be withdrawn"),
        "amount": Column("money", "smallest units of the asset, at the end"),
        "contract": Column("str?", "who owes it"),
    },
    "violations": {
        "block": Column("i64", "number of the block after which it was found"),
        "time_ns": Column("i64", "timestamp of the block"),
        "invariant": Column("str", "its name"),
        "complaint": Column("str", "what is wrong, in words"),
    },
}


def row(table: str, **values: Any) -> tuple[Any, ...]:
    """A row by the names of its columns, in their order; what is not given is None, zero or empty.

    For ledgers made by hand, as in the test of a metric.
    """
    columns = TABLES[table]
    if strange := values.keys() - columns:
        raise TypeError(f"{table} has no {', '.join(sorted(strange))}; it has {', '.join(columns)}")
    blank = {"str": "", "bool": False, "f64": 0.0}
    return tuple(
        values.get(name, None if column.nullable else blank.get(column.type, 0)) for name, column in columns.items()
    )
