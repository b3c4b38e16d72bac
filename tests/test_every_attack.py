"""No attack turns honest unnoticed: each does something in a protocol that has its seat."""

from __future__ import annotations

from functools import cache

import pytest

from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.study.executor import Point, evaluate

PLACES = [(protocol, variant) for variant in ("hardened", "literal") for protocol in catalogue.presets("protocol")]
PRIVATE = ("protocol.dp_noise=0.5", "protocol.dp_clip=0.5", "protocol.dp_epsilon=20")
TIGHT = ("protocol.lock_window=60", "protocol.job_seconds=300")
UNHIRED = ("activity_killer", "note_spammer", "offer_hoarder", "overbiller")  # unless they are alone
NEEDS = {  # what gives an attack its occasion
    ("dp_budget_waster", "collective"): PRIVATE,
    ("free_local_predict", "forest"): ("protocol.place=onchain",),
    ("escrow_griefing", "ocean"): TIGHT,
    ("ballot_stuffing", "golem"): ("protocol.newcomers=4",),
    ("badmouth", "golem"): ("scenario.jobs=3",),
    **{(one, "golem"): ("protocol.redundancy=2", "protocol.budget=200") for one in ("message_forger", "outsider")},
    ("result_copier", "lilypad"): ("protocol.verification=redundancy",),
    ("cached_result", "lilypad"): ("scenario.jobs=3", "protocol.seats.provider=1"),
    **{(one, "golem"): ("protocol.seats.provider=1",) for one in UNHIRED},
}  # fmt: skip


@cache
def deeds(protocol: str, variant: str, attack: str | None, *more: str) -> tuple[str, str]:
    """The hash of what was sent and of what money moved, with what copies are worth, and why a run failed."""
    said = ("scenario=small", "scenario.jobs=1", f"protocol={protocol}", f"protocol.variant={variant}", *more)
    (row,) = evaluate([Point((*said, f"attack=[{attack or ''}]", "seed=0"))]).to_dict("records")
    return f"{row['trace_hash']} {row.get('copy_worth', 0.0)}", row["error"]


@pytest.mark.slow
@pytest.mark.parametrize("attack", catalogue.names("attack"))
def test_every_attack_does_something_somewhere(attack: str) -> None:
    for place in PLACES:
        more = NEEDS.get((attack, place[0]), ())
        done, error = deeds(*place, attack, *more)
        if not error and done != deeds(*place, None, *more)[0]:
            return
    pytest.fail(f"{attack} sends what honest people send, wherever it plays")
