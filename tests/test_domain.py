"""Domains: what a setting may be is declared in its type, for every number that there is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import pytest

from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.catalogue import KINDS, PROTOCOL
from slashpoint.sim.domain import Among, Amount, Bps, Count, Share, Within, check, domains
from slashpoint.sim.rules import ChainRules

SETTINGS = [
    ChainRules,
    *(catalogue.part(PROTOCOL, name).TERMS for name in catalogue.presets("protocol")),
    *(catalogue.load(kind, name) for kind in KINDS for name in catalogue.names(kind)),
]


@dataclass
class Some:
    share: Share = 0.5
    times: Count = 1
    fee_bps: Bps = 0
    price: Annotated[float, Within(0, 10, "low")] = 1.0
    below: Annotated[float, Within(0, 1, "both")] = 0.5
    order: Annotated[str, Among("first", "last")] = "first"
    free: float = 0.0
    deep: dict[str, Amount] = field(default_factory=dict)
    many: tuple[Share, ...] = ()
    both: tuple[Share, Count] = (0.0, 1)
    some: Share | None = None
    flag: bool = False


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"share": 1.5}, "x.share=1.5: it must be at least 0 and at most 1"),
        ({"share": math.nan}, "x.share=nan: a number is finite"),
        ({"share": math.inf}, "x.share=inf: a number is finite"),
        ({"share": "a"}, "x.share=a: it must be a number"),
        ({"share": True}, "x.share=True: it must be a number"),
        ({"times": 1.0}, "x.times=1.0: it must be a whole number"),
        ({"times": 10**7}, "x.times=10000000: it must be at least 0 and at most 1,000,000"),
        ({"fee_bps": 10_001}, "at most 10,000"),
        ({"price": 0}, "x.price=0: it must be above 0 and at most 10"),
        ({"below": 1.0}, "x.below=1.0: it must be above 0 and below 1"),
        ({"order": "middle"}, "x.order=middle: there are first, last"),
        ({"order": 3}, "x.order=3: it must be text"),
        ({"free": 1e60}, "x.free=1e.60: it must be above -9.* and below"),
        ({"deep": {"eth": -1}}, "x.deep.eth=-1: it must be at least 0"),
        ({"deep": 3}, "x.deep=3: it must be a mapping"),
        ({"many": (0.1, 2)}, r"x.many\[1\]=2: it must be"),
        ({"both": (0.1, -2)}, r"x.both\[1\]=-2: it must be"),
        ({"some": 2.0}, "x.some=2.0: it must be at least 0"),
        ({"some": "a"}, "x.some=a: it must be a number"),
        ({"flag": 1}, "x.flag=1: it must be true or false"),
    ],
)
def test_what_lies_outside_of_a_domain_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check(Some(**given), "x")


@pytest.mark.parametrize(
    "given",
    [{}, {"share": 1}, {"price": 10}, {"order": "last"}, {"deep": {"a": 1e12}}, {"many": (0, 1)}, {"some": 0.3}],
)
def test_what_lies_inside_is_not(given: dict[str, Any]) -> None:
    check(Some(**given), "x")


def bare(hint: Any) -> bool:
    """Whether a type has a number in it that may be any."""
    if get_origin(hint) is Annotated:
        return False
    inner = get_args(hint)
    return hint in {int, float} or (bool(inner) and any(map(bare, inner)))


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_every_number_of_ours_has_its_domain(kind: Any) -> None:
    hints = domains(kind)
    assert [one.name for one in fields(kind) if one.init and bare(hints[one.name])] == []


def test_a_domain_is_missed_where_there_is_none() -> None:
    assert [one.name for one in fields(Some) if bare(domains(Some)[one.name])] == ["free"]
    assert bare(int | None)
    assert isinstance(int | None, UnionType)
