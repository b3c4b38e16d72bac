"""What a newcomer asks, answered in a line each by the numbers of the page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slashpoint.experiments.survey.blocks import Heading, Paragraph, Table
from slashpoint.experiments.survey.book import NONE
from slashpoint.experiments.survey.findings import SERVED
from slashpoint.experiments.survey.readiness import SERVES, copied_by_anybody, readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slashpoint.experiments.survey.blocks import Block
    from slashpoint.experiments.survey.findings import Findings
    from slashpoint.experiments.survey.plan import Network


def questions(found: Findings) -> Iterator[Block]:
    """Yield the questions and their answers.

    Args:
        found: all that was measured.
    """
    yield Heading("What newcomers ask")
    yield Paragraph("The shortest answers, of the networks that deliver the model; the tables that are named have all.")
    rows = [
        ["Which one would I choose?", _choice(found), "how ready they are"],
        ["What do I pay the chain for one job on L1?", _ends(found, "l1", "gas_cost", "USD"), "what the chain costs"],
        ["And on a rollup?", _ends(found, "l2", "gas_cost", "USD", ".3g"), "what the chain costs"],
        ["How long do I wait?", _ends(found, "l1", "time_to_settle:median", "s", ",.0f"), "how fast they are"],
        ["Do those who work earn, if all are honest?", _earning(found), "who pays, who earns"],
        ["Can I lose money although I am honest?", _losing(found), "what attacks come to"],
        ["Which stake keeps workers from being lazy?", _staking(found), "what attacks come to"],
        ["How many of the workers may vanish?", _vanishing(found), "when nodes are lost"],
        ["Where can strangers not copy my model?", _closed(found), "who sees what"],
        ["Who sees my data, what can I run, how do I update or withdraw a model?", "as stated there, with sources",
         "jobs, hardware, formats; who sees what; managing a model"],
    ]  # fmt: skip
    yield Table(("question", "answer", "table"), rows)


def _choice(found: Findings) -> str:
    """Return the networks with the best verdict that there is."""
    verdicts = [readiness(found, one).verdict for one in found.columns]
    order = ("ready", "ready, with limits", "ready among people who trust one another", "not ready")
    best = next((each for each in order if each in verdicts), NONE)
    chosen = _list(one for one, said in zip(found.columns, verdicts) if said == best)
    return f"{chosen}: {best}, as far as attacks go that name no network; read its own exploits first"


def _ends(found: Findings, chain: str, metric: str, unit: str, form: str = ",.2f") -> str:
    """Return the least and the greatest of a metric of a deployed model."""
    return _least_and_most(
        _serving(found),
        lambda one: found.interval("deploy", one, chain, metric).mean,
        lambda one: f"{found.number('deploy', one, chain, metric, unit, form, plain=True)} {unit}",
    )


def _earning(found: Findings) -> str:
    gains = [found.interval("deploy", one, "l1", "provider_surplus").mean for one in found.columns]
    loses = _list(one for one, gain in zip(found.columns, gains) if gain <= 0)
    return f"in {_list(one for one, gain in zip(found.columns, gains) if gain > 0)}; they lose in {loses}"


def _losing(found: Findings) -> str:
    def worst(one: Network) -> float:
        loss = found.worst_loss(one)
        return math.nan if loss is None else loss.usd

    said = _least_and_most(found.columns, worst, lambda one: f"{found.lost(one)} USD")
    return f"yes: the most that one attack costs an honest worker in one job: {said}"


def _staking(found: Findings) -> str:
    staked = [one for one in found.columns if found.of("stake", one, one.stakes[0]).shape[0]]
    sorted_by: dict[str, list[Network]] = {}
    for one in staked:
        sorted_by.setdefault(found.break_even(one).partition(" ")[0].rstrip(",:"), []).append(one)
    told = {
        "none": "none is needed in",
        "above": "no stake that was tried does in",
        "between": "one in between does in",
    }
    parts = [f"{words} {_list(sorted_by[key])}" for key, words in told.items() if key in sorted_by]
    return "; ".join(parts) or NONE


def _vanishing(found: Findings) -> str:
    def spared(one: Network) -> int:
        shares = [found.interval("loss", one, gone, SERVED).mean >= SERVES for gone in range(one.workers + 1)]
        return shares.index(False) - 1 if False in shares else one.workers

    return _least_and_most(
        [one for one in found.columns if one.workers],
        spared,
        lambda one: found.book.counts(
            f"{max(spared(one), 0)} of {one.workers}" if spared(one) >= 0 else "none: not all jobs are served at all",
            found.of("loss", one, max(spared(one), 0)), SERVED, found.lines("loss", one, max(spared(one), 0)),
        ),
    )  # fmt: skip


def _closed(found: Findings) -> str:
    return f"in {_list(one for one in _serving(found) if not copied_by_anybody(found, one))}"


def _serving(found: Findings) -> list[Network]:
    """Return the networks that deliver the model at all: what the others' jobs cost or hide tells nothing."""
    return [one for one in found.columns if found.interval("deploy", one, "l1", SERVED).mean >= SERVES]


def _least_and_most(
    columns: Sequence[Network], value: Callable[[Network], float], told: Callable[[Network], str]
) -> str:
    """Return which network has the least of something and which the most, in words with marks.

    Args:
        columns: networks.
        value: how much each has.
        told: the same in words.
    """
    known = [one for one in columns if not math.isnan(value(one))]
    if not known:
        return NONE
    least, most = min(known, key=value), max(known, key=value)
    if value(least) == value(most):
        return f"{told(least)} in {_list(known)}"
    return f"{told(least)} (`{least}`) to {told(most)} (`{most}`)"


def _list(networks: Iterator[Network] | Sequence[Network]) -> str:
    """Return networks by name; the variants of one together."""
    named: dict[str, list[str]] = {}
    for one in networks:
        named.setdefault(one.protocol, []).append(one.variant)
    return ", ".join(f"`{name}` ({' and '.join(variants)})" for name, variants in named.items()) or "none"
