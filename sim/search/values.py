"""Values: what a search puts into calls.

Edges of the types, constants of the code, what calls returned and events said, who takes part, times and amounts that
matter, and digests of arguments, so that a commitment can be made and opened.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract import keccak
from slashpoint.sim.contract.codec import ARRAY, sequence
from slashpoint.sim.search.harvest import Target
from slashpoint.sim.search.properties import NAMED
from slashpoint.sim.units import ETH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slashpoint.sim.contract.codec import Parameter
    from slashpoint.sim.contract.entry import Function
    from slashpoint.sim.search.draws import Draws
    from slashpoint.sim.search.setup import Played, Setup

PUSH1, PUSH32 = 0x60, 0x7F
WORD = 32  # bytes
REMEMBERED = 64  # words that were seen last
SECRETS = 16  # argument lists whose digests were used last
WAITS = (1, 12, 60, 3600, 86_400, 86_401, 7 * 86_400, 30 * 86_400, 365 * 86_400)  # seconds
AMOUNTS = (0, 1, 2, 1000, ETH // 1000, ETH // 2, ETH, ETH + 1, 2 * ETH, 10 * ETH, 100 * ETH)
TEXTS = ("", "a", "slashpoint", "0x", "1", "😀", "x" * 33)
MANY = 10**6  # more than there are of anything that is counted
YEARS_50 = 50 * 365 * 86_400


def constants(code: bytes) -> list[int]:
    """Return the numbers that code pushes, each once, in the order of the code."""
    found: dict[int, None] = {}
    at = 0
    while at < len(code):
        size = code[at] - PUSH1 + 1 if PUSH1 <= code[at] <= PUSH32 else 0
        if size:
            found[int.from_bytes(code[at + 1 : at + 1 + size], "big")] = None
        at += 1 + size
    return list(found)


def targets(setup: Setup) -> Iterator[tuple[Target, bytes, Function | None]]:
    """Yield what may be called: its name, its contract's address, and its function; none where wei come alone.

    Views, properties and the puppet are left out.
    """
    for name, contract in setup.contracts.items():
        if name == setup.puppet:
            continue
        for overloads in contract.artifact_.interface.functions.values():
            for function in overloads:
                if not function.view and (function.arity or not NAMED.fullmatch(function.name)):
                    yield Target(name, function.signature), contract.address_, function
        kinds = {each.get("type") for each in contract.artifact_.abi if each.get("stateMutability") == "payable"}
        if kinds & {"receive", "fallback"}:
            yield Target(name, "receive()"), contract.address_, None


class Secret:
    """An argument list whose digest was used: who knows the list can open the commitment."""

    def __init__(self, function: Function, args: list[Any], sender: bytes, draws: Draws) -> None:
        self.function, self.args, self.sender = function, args, sender
        self.digest = _digest(function, args, sender, _form(draws))


class Values:
    """The pool from which arguments are drawn. It learns from what calls return and events say."""

    def __init__(self, setup: Setup, words: Iterable[int] = ()) -> None:
        self.setup = setup
        self.people = list(setup.accounts.values())
        self.contracts = [each.address_ for each in setup.contracts.values()]
        found = dict.fromkeys(words)
        for contract in setup.contracts.values():
            found |= dict.fromkeys(constants(setup.engine.code(contract.address_)))
        self.constants = list(found) or [0]
        self.seen: deque[int] = deque(maxlen=REMEMBERED)
        self.secrets: deque[Secret] = deque(maxlen=SECRETS)
        self.hot: list[int] = []  # numbers that fit where the search is now: half of all numbers are drawn from these
        self._hashable = [function for _, _, function in targets(setup) if function and function.arity]
        self._hiding = False

    def look(self) -> None:
        """Remember what views without parameters say now: deadlines, prices, counts."""
        for name, contract in self.setup.contracts.items():
            for overloads in contract.artifact_.interface.functions.values() if name != self.setup.puppet else ():
                for function in overloads:
                    if function.view and not function.arity:
                        ok, answer = self.setup.ask(contract.address_, function.selector)
                        self._remember(answer[:256] if ok else b"")

    def fitting(self, *who: bytes) -> list[int]:
        """Return numbers that fit now: what views say of these addresses, or without parameters, and the first ids.

        Args:
            who: addresses, 20 bytes each; an empty one is left out.
        """
        found: dict[int, None] = dict.fromkeys((0, 1))
        for each in self.contracts:
            found |= dict.fromkeys(self.setup.worth(each).values())
        for name, contract in self.setup.contracts.items():
            for overloads in contract.artifact_.interface.functions.values() if name != self.setup.puppet else ():
                for function in overloads:
                    kinds = [each["type"] for each in function.inputs]
                    asked = [[]] if not kinds else [[each] for each in who if each] if kinds == ["address"] else []
                    for args in asked if function.view else ():
                        ok, answer = self.setup.ask(contract.address_, function.encode(args))
                        if ok and len(answer) == WORD:
                            found[number := int.from_bytes(answer, "big")] = None
                            if 0 < number < MANY:  # perhaps how many there are: the last has one less
                                found[number - 1] = None
                    if function.view and kinds == ["uint256"]:
                        found |= dict.fromkeys(self._ids(contract.address_, function))
        return list(found)

    def _ids(self, to: bytes, view: Function) -> list[int]:
        """Return the last two ids that a view knows, if it fails for those that do not exist.

        Args:
            to: the contract's address, 20 bytes.
            view: takes an id.
        """

        def known(number: int) -> bool:
            return self.setup.ask(to, view.encode([number]))[0]

        if not known(0) or known(MANY):
            return []
        low, high = 0, MANY
        while high - low > 1:
            middle = min((low + high) // 2, 2 * low + 1)
            low, high = (middle, high) if known(middle) else (low, middle)
        return [low, max(0, low - 1)]

    def fresh(self) -> None:
        """Forget what was seen."""
        self.seen.clear()
        self.secrets.clear()
        self.hot = []

    def _remember(self, words: bytes) -> None:
        for at in range(0, len(words) - WORD + 1, WORD):
            number = int.from_bytes(words[at : at + WORD], "big")
            if number not in self.seen:
                self.seen.append(number)

    def learn(self, played: Played) -> None:
        """Remember the words that a step returned, and that its events say."""
        if not played.ok:
            return
        self._remember(played.output[:256])
        for log in played.logs:
            for part in (*log.topics[1:], log.data[:256]):
                self._remember(part)

    def wait(self, draws: Draws) -> int:
        """Draw seconds until a step: mostly none, or until a moment that code or events name."""
        kind = draws.below(16)
        if kind < 9:
            return 0
        if kind < 13:
            return draws.choice(WAITS)
        moment = draws.choice(self.hot if self.hot and draws.below(2) else self.seen or self.constants)
        if moment < YEARS_50:  # a span
            return max(0, moment + draws.below(3) - 1)
        ahead = moment - self.setup.now + draws.below(3) - 1
        return ahead if 0 <= ahead < YEARS_50 else 0

    def amount(self, draws: Draws) -> int:
        """Draw wei, or another token's units."""
        kind = draws.below(8)
        if kind < 4:
            return draws.choice(AMOUNTS)
        if kind < 6:
            return draws.choice(self.constants)
        if kind == 6 and self.seen:
            return draws.choice(self.seen)
        held = self.setup.engine.balance(draws.choice(self.contracts))
        return held // draws.choice((1, 2, 3)) + draws.choice((0, 0, 1))

    def args(self, function: Function, sender: bytes, draws: Draws) -> list[Any]:
        """Draw the arguments of a function: at times those whose digest was used before.

        Args:
            function: of the ABI.
            sender: who would call it, 20 bytes.
            draws: where luck comes from.
        """
        if function.arity and draws.below(2):
            for secret in self.secrets:
                if secret.function is function and secret.sender == sender and draws.below(2):
                    return list(secret.args)
        return [self.value(each, sender, draws) for each in function.inputs]

    def value(self, parameter: Parameter, sender: bytes, draws: Draws) -> Any:
        """Draw one argument.

        Args:
            parameter: of the ABI.
            sender: who would call, 20 bytes.
            draws: where luck comes from.
        """
        kind: str = parameter["type"]
        if array := ARRAY.fullmatch(kind):
            count = int(array[2]) if array[2] else draws.choice((0, 1, 1, 2, 3))
            return [self.value({**parameter, "type": array[1]}, sender, draws) for _ in range(count)]
        if kind == "tuple":
            return [self.value(each, sender, draws) for each in parameter["components"]]
        if kind == "address":
            return self._address(sender, draws)
        if kind == "bool":
            return bool(draws.below(2))
        if kind.startswith("uint"):
            return self._number(draws) & (1 << int(kind[4:])) - 1
        if kind.startswith("int"):
            bits = int(kind[3:])
            number = self._number(draws) & (1 << bits) - 1
            number = (1 << bits - 1) - 1 - draws.below(2) if draws.one_in(16) else number
            return number - (1 << bits) if number >> bits - 1 else -number if draws.one_in(4) else number
        if kind in {"bytes", "string"}:
            return self._blob(sender, draws, text=kind == "string")
        size = 24 if kind == "function" else int(kind[5:])
        return self._word(sender, draws)[-size:] if draws.one_in(2) else self._word(sender, draws)[:size]

    def _number(self, draws: Draws) -> int:
        if self.hot and draws.below(2):
            return draws.choice(self.hot)
        kind = draws.below(16)
        if kind < 4:
            return draws.choice((0, 1, 2, 3, draws.below(8), draws.below(256), 2**256 - 1, 2**256 - 2, 2**255, 2**128))
        if kind < 9:
            return self.amount(draws)
        if kind < 11 and self.seen:
            return draws.choice(self.seen) + draws.below(3) - 1
        if kind < 13:
            return draws.choice(self.constants) + draws.below(3) - 1
        if kind < 14:
            return self.setup.now + draws.choice((0, -1, 1, *WAITS))
        return draws.bits(256)

    def _address(self, sender: bytes, draws: Draws) -> bytes:
        kind = draws.below(16)
        if kind < 9:
            return draws.choice(self.people)
        if kind < 11:
            return sender
        if kind < 14:
            return draws.choice(self.contracts)
        if kind == 14 and self.seen:
            return (draws.choice(self.seen) % 2**160).to_bytes(20, "big")
        return draws.choice((bytes(20), (1).to_bytes(20, "big"), b"\xde\xad".rjust(20, b"\0")))

    def _word(self, sender: bytes, draws: Draws) -> bytes:
        kind = draws.below(8)
        if kind < 4 and (digest := self.commit(sender, draws)):
            return digest
        if kind < 6 and self.secrets:
            return draws.choice(self.secrets).digest
        return (self._number(draws) % 2**256).to_bytes(WORD, "big")

    def _blob(self, sender: bytes, draws: Draws, *, text: bool) -> Any:
        kind = draws.below(8)
        if kind < 3:
            return draws.choice(TEXTS) if text else draws.choice(TEXTS).encode()
        if kind < 6:
            word = self._word(sender, draws)
            return word.hex() if text else word
        return "y" * draws.below(70) if text else (self._number(draws) % 2**256).to_bytes(WORD, "big") * draws.below(4)

    def commit(self, sender: bytes, draws: Draws) -> bytes:
        """Return the digest of an argument list of some function, whose list is remembered; nothing without one.

        Args:
            sender: who commits, and would open: 20 bytes.
            draws: where luck comes from.
        """
        if not self._hashable or self._hiding:
            return b""
        self._hiding = True  # what is hidden is no commitment in its turn
        function = draws.choice(self._hashable)
        secret = Secret(function, [self.value(each, sender, draws) for each in function.inputs], sender, draws)
        self._hiding = False
        self.secrets.append(secret)
        return secret.digest


def _form(draws: Draws) -> int:
    """Draw how to hash: packed or encoded, and less often the last value alone, the sender with it, or by sha256."""
    return draws.below(2) | draws.one_in(4) << 1 | draws.one_in(4) << 2 | draws.one_in(4) << 3


def _digest(function: Function, args: Sequence[Any], sender: bytes, form: int) -> bytes:
    """Return the digest of arguments: forms are bits."""
    packed, alone, named, sha = (form >> bit & 1 for bit in range(4))
    inputs = list(function.inputs[-1:] if alone else function.inputs)
    values = list(args[-1:] if alone else args)
    if named:
        inputs, values = [*inputs, {"type": "address"}], [*values, sender]
    if packed:
        data = b"".join(_packed(each["type"], value) for each, value in zip(inputs, values, strict=True))
    else:
        data = sequence(inputs).pack(values)
    return hashlib.sha256(data).digest() if sha else keccak(data)


def _packed(kind: str, value: Any) -> bytes:
    """Return a value as abi.encodePacked writes it; of arrays and structs, which it writes otherwise, the encoding."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, int) and kind.lstrip("u").startswith("int"):
        size = int(kind.lstrip("u")[3:] or 256) // 8
        return value.to_bytes(size, "big", signed=kind.startswith("int"))
    if isinstance(value, bool):
        return bytes([value])
    return sequence([{"type": kind}]).pack([value]) if not kind.startswith("tuple") else b""
