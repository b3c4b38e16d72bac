"""The official state tests of Ethereum, for any engine: https://github.com/ethereum/tests, folder GeneralStateTests.

Each is a state, a block, a transaction, and what must come of it: the root of the state and the hash of the events.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.sim.engine import BlockContext, Signer, Status, Tx
from slashpoint.sim.engine.root import decimal_hash, logs_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slashpoint.sim.engine import Engine, Log

    Case = dict[str, Any]


@dataclass
class StateTests:
    """How many tests an engine passed, which it did not, and which were left out and why."""

    agreed: int = 0
    differed: list[str] = field(default_factory=list)  # names, and what differs
    skipped: Counter[str] = field(default_factory=Counter)  # reason → tests

    def __str__(self) -> str:
        left_out = "".join(f", {count:,} left out ({why})" for why, count in self.skipped.items())
        return f"{self.agreed:,} of {self.agreed + len(self.differed):,} state tests agree{left_out}"


def check_state_tests(
    folder: str | Path, make_engine: Callable[[], Engine], fork: str = "prague", without: Mapping[str, str] = {}
) -> StateTests:
    """Play the official state tests of a fork on an engine.

    Args:
        folder: where their JSON files are, at any depth: in the format that both ethereum/tests and
            ethereum/execution-spec-tests publish.
        make_engine: makes an empty engine, afresh for each test, on chain 1.
        fork: the fork whose outcomes are asked for, and whose rules the engine follows.
        without: files to leave out, by their names without `.json`, and why.

    Raises:
        ValueError: the folder has no test of that fork.
    """
    tally = StateTests()
    for path in sorted(Path(folder).rglob("*.json")):
        for name, case in json.loads(path.read_bytes()).items():
            outcomes = case.get("post", {}).get(fork.capitalize(), ())
            if outcomes and (why := without.get(path.stem) or _foreign(case)):
                tally.skipped[why] += len(outcomes)
                continue
            for outcome in outcomes:
                if difference := play(case, outcome, make_engine()):
                    place = f"{path.stem}/{name.rpartition('::')[2]}{list(outcome['indexes'].values())}"
                    tally.differed.append(f"{place}: {difference}")
                else:
                    tally.agreed += 1
    if not tally.agreed and not tally.differed:
        raise ValueError(f"{folder} has no state test of {fork} that could be played")
    return tally


def _foreign(case: Case) -> str:
    """Return why no engine here can play a test; empty if it can."""
    if "maxFeePerBlobGas" in case["transaction"] or "blobVersionedHashes" in case["transaction"]:
        return "a transaction with blobs"
    if "authorizationList" in case["transaction"]:
        return "a transaction that sets code"
    return ""


def play(case: Case, outcome: Case, engine: Engine) -> str:
    """Play one test on an empty engine; returns what differs, empty if nothing does.

    Args:
        case: the test.
        outcome: what it says must come of it.
        engine: an empty one.
    """
    for address, account in case["pre"].items():
        engine.fund(_bytes(address), _int(account["balance"]))
        storage = {_int(slot): _int(word) for slot, word in account["storage"].items()}
        engine.place(_bytes(address), nonce=_int(account["nonce"]), code=_bytes(account["code"]), storage=storage)
    if isinstance(engine, Signer):
        engine.learn(_bytes(case["transaction"]["secretKey"]))
    logs: Sequence[Log] = ()
    try:
        result = engine.run_block(_context(case["env"]), [_transaction(case["transaction"], outcome["indexes"])])
        refused, logs = result.status[0] >= Status.DEFERRED, result.logs
    except OverflowError:  # a number that no transaction can hold
        refused = True
    if refused != ("expectException" in outcome):
        return f"it was {'refused' if refused else 'executed'}"
    differs = []
    if engine.state_root() != _bytes(outcome["hash"]):
        differs.append("the root of the state")
    if logs_hash(logs) != _bytes(outcome["logs"]):
        differs.append("the events")
    return " and ".join(differs)


def _context(env: dict[str, str]) -> BlockContext:
    number = _int(env["currentNumber"])
    return BlockContext(
        number=number,
        timestamp=_int(env["currentTimestamp"]),
        base_fee=_int(env.get("currentBaseFee", "0xa")),
        gas_limit=_int(env["currentGasLimit"]),
        coinbase=_bytes(env["currentCoinbase"]),
        prevrandao=_int(env.get("currentRandom", "0x0")).to_bytes(32, "big"),
        hashes=_hashes(number),
    )


@lru_cache(maxsize=8)
def _hashes(number: int) -> bytes:
    """Return the hashes that all clients give to the blocks before one in state tests: of their numbers in decimals."""
    return b"".join(decimal_hash(each) for each in range(max(0, number - 256), number))


def _transaction(fields: Case, indexes: dict[str, int]) -> Tx:
    price = fields.get("gasPrice")
    at = indexes["data"]
    lists = fields.get("accessLists") or []
    return Tx(
        sender=_bytes(fields["sender"]),
        to=_bytes(fields["to"]) or None,
        data=_bytes(fields["data"][at]),
        value=_int(fields["value"][indexes["value"]]),
        gas=_int(fields["gasLimit"][indexes["gas"]]),
        max_fee=_int(price or fields["maxFeePerGas"]),
        tip=_int(price or fields["maxPriorityFeePerGas"]),
        nonce=_int(fields["nonce"]),
        access_list=tuple(_listed((lists[at] if at < len(lists) else None) or [])),
    )


def _listed(entries: list[Case]) -> Iterator[tuple[bytes, tuple[int, ...]]]:
    for entry in entries:
        yield _bytes(entry["address"]), tuple(map(_int, entry["storageKeys"]))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _int(text: str) -> int:
    return int(text.removeprefix("0x:bigint "), 16)
