"""The hunt for mutants: a suite is run against contracts with a bug each. A bug that nobody notices is a hole in it.

Scenarios that are like the run that a mutant's patch names come first, and the first kill ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.experiments.gate.judge import CRASHED, FAILED, checks, points
from slashpoint.experiments.gate.patches import Mutant, mutants, protocol_of
from slashpoint.experiments.setup.compile import CONTRACTS
from slashpoint.experiments.study.executor import LOST, evaluate
from slashpoint.sim.errors import Misconfigured, OutOfRoom, choices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slashpoint.experiments.gate.suite import Scenario, Suite

UNCHANGED = "unchanged"  # the contracts as they are: whatever accuses these accuses nobody
KILLED, SURVIVED, CLEAN, ACCUSED, NO_BUILD = "killed", "survived", "clean", "accused", "no build"
COLUMNS = {
    "mutant": "name of the patch; unchanged for the contracts as they are",
    "verdict": "killed, survived or no build; of the unchanged contracts clean or accused",
    "scenario": "in which it was noticed",
    "by": "the check that noticed it",
    "found": "what that found, in words",
    "runs": "that were needed",
    "bug": "what the patch says that it breaks",
    "caught_by": "what the patch says should notice it",
}


def hunt(
    suite: Suite,
    names: Sequence[str] = (),
    *,
    contracts: Path = CONTRACTS,
    workers: int = 1,
    cache: Path | None = None,
    project: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Run a suite against each mutant until something notices it, and against the contracts as they are.

    Args:
        suite: what should notice.
        names: of mutants; by default all of the protocols that the suite plays.
        contracts: a folder with `mutants` and `build/mutants`.
        workers: processes.
        cache: where rows are kept.
        project: a project's folder.
        progress: told how many mutants are done, of how many.

    Returns:
        A row for each, the unchanged contracts first; columns as in COLUMNS.

    Raises:
        Misconfigured: there is no such mutant.
    """
    there = {mutant.name: mutant for mutant in mutants(contracts)}
    if odd := [name for name in names if name not in there]:
        raise Misconfigured(f"there is no mutant {odd[0]!r}; {choices(odd[0], there)}")
    if repeated := [name for name in names if list(names).count(name) > 1]:
        raise Misconfigured(f"the mutant {repeated[0]} is there twice")
    played = {protocol_of(scenario.overrides) for scenario in suite.scenarios}
    usual = [name for name, mutant in there.items() if protocol_of(mutant.overrides) in played]
    chosen: list[Mutant | None] = [None, *(there[name] for name in (names or usual))]
    rows = []
    for done, mutant in enumerate(chosen):
        if progress is not None:
            progress(done, len(chosen))
        rows.append(_tried(suite, mutant, workers, cache, project))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _tried(
    suite: Suite, mutant: Mutant | None, workers: int, cache: Path | None, project: Path | None
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {"mutant": UNCHANGED, "verdict": CLEAN, "runs": 0}
    bad, scenarios = ACCUSED, list(suite.scenarios)
    if mutant is not None:
        row |= {"mutant": mutant.name, "bug": mutant.bug, "caught_by": "; ".join(mutant.caught_by)}
        row["verdict"], bad = SURVIVED, KILLED
        scenarios.sort(key=lambda one: -_likeness(one, mutant))
        if not mutant.build.is_file():
            return row | {"verdict": NO_BUILD}
    size = max(2, 2 * workers)
    for scenario in scenarios:
        runs, rows = points(scenario, project, [mutant.build] if mutant else ()), pd.DataFrame()
        for at in range(0, len(runs), size):
            new = evaluate(runs[at : at + size], workers=workers, cache=cache)
            rows = pd.concat([rows, new], ignore_index=True)
            row["runs"] += len(new)
            if any(lost := new["error"][new["error"].str.startswith(LOST)]):
                raise OutOfRoom(lost.iloc[0])  # that accuses no contract
            if (new["violations"] > 0).any() or (new["error"] != "").any():
                break
        noticed = next((one for one in checks(suite, scenario, rows) if one["status"] in {FAILED, CRASHED}), None)
        if noticed is not None:
            by_whom = {"scenario": scenario.name, "by": noticed["check"], "found": noticed["found"]}
            return row | by_whom | {"verdict": bad}
    return row


def _likeness(scenario: Scenario, mutant: Mutant) -> float:
    """Return the share of overrides that a scenario and a mutant's run have in common."""
    ours, theirs = set(scenario.overrides), set(mutant.overrides)
    return len(ours & theirs) / max(1, len(ours | theirs))
