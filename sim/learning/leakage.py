"""Leakage: what a model tells about the rows that it was trained on, and what its answers tell about itself.

Membership inference. The attack by a threshold on the loss (Yeom et al. 2018): a row on which the model errs less is
taken for one of the training's. Its strength is the area under the ROC curve: the chance that a training row has a
smaller loss than another row, 0.5 for guessing. The attack by shadow models (LiRA: Carlini et al. 2022) asks of each
row whether its loss is rather that of models which saw it, or of models which did not.

Extraction. A copy is distilled from a model's answers (Tramèr et al. 2016). Its fidelity is how far it agrees with the
model on fresh inputs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from slashpoint.sim.learning import Order
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    from slashpoint.sim.learning import Problem, Task

    Floats = npt.NDArray[np.floating[Any]]
    Answers = npt.NDArray[Any]  # classes or numbers, shape (rows,), or a score of each class, shape (rows, classes)
    Answer = Callable[[Floats], Answers]

MEMBERS = 1000  # training rows of a job that are asked about, at most
QUERIES = 100  # answers that the copy of a delivered model is distilled from
CERTAIN = 30.0  # of −log(loss): beyond it a model is as sure as can be
SPREAD = 1e-6  # least standard deviation of what shadow models say


# --- membership -------------------------------------------------------------------------------------------------


def auc(members: Floats, others: Floats) -> float:
    """Return the chance that a member's score is the higher one; half of it where two are equal.

    Args:
        members: scores, shape (members,); not a number counts as the lowest.
        others: scores, shape (others,).
    """
    inside, outside = (np.nan_to_num(one, nan=-np.inf, posinf=np.inf, neginf=-np.inf) for one in (members, others))
    if not len(inside) or not len(outside):
        return float("nan")
    outside = np.sort(outside)
    below, upto = (np.searchsorted(outside, inside, side) for side in ("left", "right"))
    return float((below + upto).mean() / (2 * len(outside)))


def membership(task: Task, model: bytes, problem: Problem) -> float:
    """Return the AUC of the attack by a threshold on the loss, for training and test rows of a problem.

    Args:
        task: what was learnt.
        model: as bytes; what is no model tells nothing, 0.5.
        problem: whose rows are members (at most MEMBERS of those trained on) and others (the test's).
    """
    asked = replace(problem, train=problem.train[:MEMBERS])
    return auc(-task.losses(model, asked, "train"), -task.losses(model, asked, "test"))


def confidence(losses: Floats) -> npt.NDArray[np.float64]:
    """Return −log(loss): nearly normal over models, as LiRA wants it, and where a model is sure the log of its odds."""
    with np.errstate(all="ignore"):
        found = -np.log(np.asarray(losses, np.float64))
    return np.nan_to_num(found, nan=-CERTAIN, posinf=CERTAIN, neginf=-CERTAIN).clip(-CERTAIN, CERTAIN)


def likelihood_ratio(scores: Floats, shadows: Floats, inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return for each row the log-likelihood that it is a member less that that it is not (LiRA, online).

    Args:
        scores: of the model under attack, shape (rows,).
        shadows: of the shadow models, shape (models, rows).
        inside: which rows each of them was trained on, shape (models, rows); each row by two or more, and not by two.
    """
    logs = []
    for chosen in (inside, ~inside):
        count = chosen.sum(0)
        if (count < 2).any():
            raise ValueError(f"{len(shadows)} shadow models leave rows that fewer than two have, or have not, seen")
        mean = np.where(chosen, shadows, 0).sum(0) / count
        apart = np.where(chosen, shadows - mean, 0)
        spread = max(
            SPREAD, float(np.sqrt((apart**2).sum() / (count - 1).sum()))
        )  # of all rows: few models have seen each
        logs.append(-((scores - mean) ** 2) / (2 * spread**2) - np.log(spread))
    found: npt.NDArray[np.float64] = logs[0] - logs[1]
    return found


def shadow_attack(task: Task, model: bytes, problem: Problem, count: int, luck: Luck) -> float:
    """Return the AUC of LiRA with shadow models that are trained on random halves of a problem's rows.

    Args:
        task: what was learnt.
        model: under attack, as bytes.
        problem: whose rows are members and others.
        count: how many shadow models; 16 or more.
        luck: of the halves and of the shadows' training.
    """
    rows = np.concatenate([problem.train, problem.test])
    inside = _halves(count, len(rows), luck("halves").generator())
    halves = [replace(problem, key=f"{problem.key}/{i}", train=rows[half]) for i, half in enumerate(inside)]
    models = task.train([Order("", half, twist="shadow") for half in halves], luck)
    asked = replace(problem, train=rows)
    scores, *shadows = (confidence(task.losses(one, asked, "train")) for one in (model, *models))
    ratio = likelihood_ratio(scores, np.stack(shadows), inside)
    return auc(ratio[: len(problem.train)], ratio[len(problem.train) :])


def _halves(count: int, rows: int, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Draw which rows each model sees, so that each row is seen by half of the models, shape (models, rows)."""
    order = generator.permuted(np.tile(np.arange(count)[:, None], rows), axis=0)
    return order < count // 2


# --- extraction -------------------------------------------------------------------------------------------------


class Stolen(NamedTuple):
    """What a budget of queries buys."""

    queries: int
    cost: float  # of all queries, in the unit of their price
    fidelity: float  # of the copy on fresh inputs, at most 1


def extract(answer: Answer, rows: Floats, budget: int, seed: int | str) -> Answer:
    """Distil a copy of a model from its answers, and return what answers like it.

    The copy is linear: least squares on the inputs and a constant, the smallest where queries are too few. Classes are
    copied by a score each. A linear model is copied exactly by one query more than a row has numbers.

    Args:
        answer: the model under attack: takes rows, shape (rows, inputs), gives classes (whole numbers), numbers, or a
            score of each class.
        rows: inputs that may be asked about, shape (rows, inputs).
        budget: how many of them are.
        seed: of which they are.
    """
    if not 0 < budget <= len(rows):
        raise ValueError(f"budget={budget} queries, and there are {len(rows)} rows to ask about")
    asked = rows[Luck("extract", seed).generator().permutation(len(rows))[:budget]]
    return distil(asked, answer(asked))


def distil(rows: Floats, said: Answers) -> Answer:
    """Return what answers as the given answers do: see `extract`.

    Args:
        rows: what was asked, shape (rows, inputs).
        said: the answers.
    """
    if said.ndim == 1 and said.dtype.kind in "biu":
        classes, places = np.unique(said, return_inverse=True)
        copy = _linear(rows, np.eye(len(classes))[places])
        return lambda some: classes[copy(some).argmax(1)]
    return _linear(rows, said)


def _linear(rows: Floats, said: Answers) -> Answer:
    mean, unit = rows.mean(0, dtype=np.float64), rows.std(0, dtype=np.float64)
    unit[unit == 0] = 1

    def scaled(some: Floats) -> npt.NDArray[np.float64]:
        return np.column_stack([(some - mean) / unit, np.ones(len(some))])

    weights, *_ = np.linalg.lstsq(scaled(rows), np.asarray(said, np.float64), rcond=None)
    return lambda some: scaled(some) @ weights


def fidelity(answer: Answer, copy: Answer, rows: Floats) -> float:
    """Return how far a copy agrees with a model: the share of equal classes, or for numbers 1 − error² / variance.

    Args:
        answer: the model.
        copy: what was distilled from it.
        rows: fresh inputs, shape (rows, inputs).
    """
    truth, said = answer(rows), copy(rows)
    if truth.ndim == 2:
        truth, said = truth.argmax(1), said.argmax(1)
    if truth.dtype.kind in "biu":
        return float((truth == said).mean())
    spread = ((truth - truth.mean()) ** 2).mean()
    return float(1 - ((said - truth) ** 2).mean() / spread) if spread else float(np.array_equal(said, truth))


def extraction(
    answer: Answer, rows: Floats, fresh: Floats, budgets: Iterable[int], seed: int | str, price: float = 0.0
) -> Iterator[Stolen]:
    """Yield what copies are worth that are distilled from more and more answers.

    Args:
        answer: the model under attack.
        rows: inputs that may be asked about, shape (rows, inputs).
        fresh: inputs on which copy and model are compared, shape (rows, inputs).
        budgets: numbers of queries.
        seed: of which inputs are asked about.
        price: of an answer, in any unit.
    """
    for budget in budgets:
        copy = extract(answer, rows, budget, seed)
        yield Stolen(budget, budget * price, fidelity(answer, copy, fresh))


def copied(task: Task, model: bytes, problem: Problem, budget: int = QUERIES) -> float:
    """Return the fidelity on the test items of a copy that is distilled from a model's answers to training inputs.

    Args:
        task: what was learnt.
        model: as bytes.
        problem: whose inputs are asked about.
        budget: how many of them.
    """
    asked = replace(problem, key=f"{problem.key}/copied {budget}", test=problem.train[:budget])
    asked = replace(asked, scale=len(asked.test))
    rows, fresh = (task.inputs_of(one, "test") for one in (asked, problem))
    told, truth = (np.frombuffer(task.predict(model, one), np.uint8) for one in (asked, problem))
    return float((distil(rows, told)(fresh) == truth).mean()) if len(rows) else float("nan")
