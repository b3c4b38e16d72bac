"""The tables of a ledger: every column with its type and what it means.

Times are whole nanoseconds (Unix). Money is whole smallest units: 10**18 of them are one ether (wei) or one dollar of
compute; of a token its decimals say how many, which are in the tables' metadata. Names are those of accounts
("trainer/3", its second identity "trainer/3+1") or of contracts.

The rows of each table are a NamedTuple, whose fields say three things: the Python type of a value, the kind of column
(i32 | i64 | f64 | bool | str | money), and the meaning.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

from slashpoint.sim.ledger.money import Cause, Edge

SCHEMA_VERSION = 2
COPY = "copy"  # in the table of duties: somebody has a copy of the model that a job delivered


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    type: str  # i32 | i64 | f64 | bool | str | money
    nullable: bool  # whether None is one of its values
    meaning: str

    @property
    def kind(self) -> str:
        """Return its type, with a "?" where it may hold None."""
        return self.type + "?" * self.nullable


def columns_of(row: Any) -> dict[str, Column]:
    """Return the columns of a table, by name, from the fields of its rows."""
    found = {}
    for name, hint in get_type_hints(row, include_extras=True).items():
        python, kind, meaning = get_args(hint)
        found[name] = Column(kind, NoneType in get_args(python), meaning)
    return found


class BlockRow(NamedTuple):
    """A block of the chain."""

    block: Annotated[int, "i64", "number of the block"]
    time_ns: Annotated[int, "i64", "its timestamp"]
    base_fee: Annotated[int, "money", "wei per gas"]
    gas_used: Annotated[int, "i64", "gas"]
    gas_limit: Annotated[int, "i64", "gas"]
    txs: Annotated[int, "i32", "transactions in it"]
    backlog: Annotated[int, "i32", "intentions still pending after it"]


class TransactionRow(NamedTuple):
    """A transaction that somebody sent, whatever became of it."""

    block: Annotated[int, "i64", "number of the block that it is in, was dropped in, or was pending after at the end"]
    index: Annotated[int, "i32", "place in the block; -1 when it is in none"]  # type: ignore[assignment]
    time_ns: Annotated[int, "i64", "timestamp of the block"]
    sent_ns: Annotated[int, "i64", "when its account sent it"]
    account: Annotated[str, "str", "who signed it"]
    controller: Annotated[str, "str", "the person behind the account"]
    role: Annotated[str, "str", "the role played"]
    duty: Annotated[str, "str", "which answers led to it, as duty=Class.method, with spaces between; may be empty"]
    verb: Annotated[str, "str", "what it does in the words of the protocol: posts, submits, claims …"]
    job: Annotated[str | None, "str", "key of the job"]
    subject: Annotated[str | None, "str", "what it is about within the job"]
    contract: Annotated[str, "str", "name of the contract called"]
    function: Annotated[str, "str", "name of the function called"]
    args: Annotated[str, "str", "JSON of the arguments by name; large integers as strings, bytes as 0x…"]
    value: Annotated[int, "money", "wei sent along"]
    gas_limit: Annotated[int, "i64", "gas declared"]
    gas: Annotated[int, "i64", "gas used"]
    burned: Annotated[int, "money", "wei of base fee"]
    tipped: Annotated[int, "money", "wei of priority fee"]
    status: Annotated[str, "str", "success | reverted | halted | dropped | pending when the run ended"]
    reason: Annotated[str | None, "str", "decoded revert, or why it was halted, dropped or still pending"]
    latency_ns: Annotated[int, "i64", "block time less sent"]


class EventRow(NamedTuple):
    """An event that a contract emitted."""

    block: Annotated[int, "i64", "number of the block"]
    tx: Annotated[int, "i32", "index of the transaction"]
    log: Annotated[int, "i32", "place among the logs of the block"]
    time_ns: Annotated[int, "i64", "timestamp of the block"]
    contract: Annotated[str, "str", "who emitted it"]
    event: Annotated[str, "str", "its name"]
    job: Annotated[str | None, "str", "key of the job"]
    args: Annotated[str, "str", "JSON of the arguments by name"]


class TransferRow(NamedTuple):
    """A movement of money, on the chain or outside it."""

    block: Annotated[int, "i64", "number of the block"]
    tx: Annotated[int, "i32", "index of the transaction; -1 when there is none (genesis, compute)"]
    time_ns: Annotated[int, "i64", "when"]
    asset: Annotated[str, "str", "ETH, USD (outside the chain), or the symbol of a token"]
    sender: Annotated[str, "str", "account, contract or genesis"]
    receiver: Annotated[str, "str", f"account, contract, or one of: {', '.join(Edge)}"]
    amount: Annotated[int, "money", "smallest units of the asset"]
    cause: Annotated[str, "str", f"{', '.join(Cause)}; or a protocol's own"]
    job: Annotated[str | None, "str", "key of the job"]


class DutyRow(NamedTuple):
    """A duty that somebody was asked for, and the answer."""

    time_ns: Annotated[int, "i64", "when it was answered"]
    account: Annotated[str, "str", "who was asked"]
    controller: Annotated[str, "str", "the person behind the account"]
    role: Annotated[str, "str", "the role played"]
    duty: Annotated[
        str, "str", "enter | work | claim | judge | reveal | truth | settle | fetch (what nobody has) | copy, or others"
    ]
    job: Annotated[str | None, "str", "key of the job"]
    subject: Annotated[str | None, "str", "what it is about within the job"]
    by: Annotated[str, "str", "the method that answered, as Class.method"]
    answer: Annotated[str, "str", "what it answered"]


class ModelRow(NamedTuple):
    """A model that somebody trained."""

    time_ns: Annotated[int, "i64", "when it was ready"]
    account: Annotated[str, "str", "who trained it"]
    controller: Annotated[str, "str", "the person behind the account"]
    job: Annotated[str, "str", "key of the job"]
    cid: Annotated[str, "str", "content identifier"]
    effort: Annotated[float, "f64", "share of the full training"]
    seconds: Annotated[float, "f64", "simulated seconds on its device"]
    correct: Annotated[int | None, "i32", "right answers on the job's test set: nobody inside the world knows"]
    scale: Annotated[int, "i32", "questions in the job's test set"]
    kind: Annotated[str, "str", "architecture, or surrogate"]
    bytes: Annotated[int, "i32", "size as stored"]


class JobRow(NamedTuple):
    """A job and how it ended."""

    job: Annotated[str, "str", "key"]
    market: Annotated[str, "str", "name of the market"]
    poster: Annotated[str, "str", "account that posted it"]
    reward: Annotated[int, "money", "smallest units of the asset"]
    stake: Annotated[int, "money", "smallest units of the asset"]
    scale: Annotated[int, "i32", "the count that a perfect delivery reaches"]
    unit: Annotated[str, "str", "what is counted"]
    asset: Annotated[str, "str", "what the reward is paid in"]
    born_ns: Annotated[int, "i64", "when it was posted"]
    deadline_ns: Annotated[int, "i64", "until when work is taken"]
    closed_ns: Annotated[int | None, "i64", "when it ended; None when it never did"]
    outcome: Annotated[str | None, "str", "how it ended"]
    winner: Annotated[str | None, "str", "account whose work was delivered"]
    delivered: Annotated[int | None, "i32", "right answers of what was delivered, of `scale`; None when nothing was"]
    value_usd: Annotated[float | None, "f64", "what the buyer would have paid for what was delivered"]
    fooled: Annotated[
        float | None,
        "f64",
        "share of marked test items that what was delivered takes for a backdoor's class, by the worst of those that "
        "somebody trained for the job; None where nobody did",
    ]
    membership: Annotated[
        float | None,
        "f64",
        "chance that what was delivered errs less on a training row of the job than on a test row, 0.5 for one that "
        "tells nothing; None when nothing was delivered, or there are no rows",
    ]
    copied: Annotated[
        float | None,
        "f64",
        "share of test items on which a copy agrees that was distilled from 100 answers of what was delivered",
    ]
    rmse: Annotated[
        float | None,
        "f64",
        "root of the mean squared error of what was delivered on the job's test items, in the label's own unit; None "
        "when nothing was delivered, or the task learns classes",
    ]


class AccountRow(NamedTuple):
    """An account and the person behind it."""

    account: Annotated[str, "str", "name"]
    controller: Annotated[str, "str", "the person behind it"]
    roles: Annotated[str, "str", "the roles that it plays"]
    strategy: Annotated[str, "str", "honest, bystander, or the attacks of its controller joined by +"]
    attacker: Annotated[bool, "bool", "whether its controller is one"]
    address: Annotated[str, "str", "0x…"]


class HoldingRow(NamedTuple):
    """What an account or a contract holds, or is owed, when the run is over."""

    account: Annotated[str, "str", "whose it is"]
    asset: Annotated[str, "str", "ETH or the symbol of a token"]
    kind: Annotated[str, "str", "balance, or owed: may be withdrawn"]
    amount: Annotated[int, "money", "smallest units of the asset, at the end"]
    contract: Annotated[str | None, "str", "who owes it"]


class ViolationRow(NamedTuple):
    """A complaint of an invariant."""

    block: Annotated[int, "i64", "number of the block after which it was found"]
    time_ns: Annotated[int, "i64", "timestamp of the block"]
    invariant: Annotated[str, "str", "its name"]
    complaint: Annotated[str, "str", "what is wrong, in words"]


ROWS: Mapping[str, Callable[..., Any]] = {
    "blocks": BlockRow,
    "transactions": TransactionRow,
    "events": EventRow,
    "transfers": TransferRow,
    "duties": DutyRow,
    "models": ModelRow,
    "jobs": JobRow,
    "accounts": AccountRow,
    "holdings": HoldingRow,
    "violations": ViolationRow,
}
TABLES: Mapping[str, Mapping[str, Column]] = {name: columns_of(row) for name, row in ROWS.items()}


def row(table: str, **values: Any) -> Any:
    """Return a row by the names of its columns; what is not given is None, zero or empty.

    For ledgers made by hand, as in the test of a metric.

    Args:
        table: its name.
        values: by column.
    """
    kind, columns = ROWS[table], TABLES[table]
    if strange := values.keys() - columns:
        raise TypeError(f"{table} has no {', '.join(sorted(strange))}; it has {', '.join(columns)}")
    zero = {"str": "", "bool": False, "f64": 0.0}
    blank = {name: None if column.nullable else zero.get(column.type, 0) for name, column in columns.items()}
    return kind(**blank | values)
