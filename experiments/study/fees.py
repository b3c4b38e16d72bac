"""What each phase of a protocol costs on layer 1 and on a rollup: one honest run on each, the same people and seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from slashpoint.experiments.setup.run import simulate
from slashpoint.sim.errors import Misconfigured, choices
from slashpoint.sim.metrics.gas import costs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CHAINS = ("l1", "l2")
COLUMNS = {
    "protocol": "its name",
    "phase": "the verb of its transactions; other: of no phase",
    "calls": "transactions in blocks, on layer 1",
    "gas": "that they used, on layer 1",
    "usd_l1": "their fees on layer 1, USD",
    "usd_l2": "their fees on the rollup, USD",
    "data_l2": "how much of that was for data, USD",
}


def fees(
    protocols: Sequence[str],
    overrides: Sequence[str] = (),
    *,
    project: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Run each protocol once on each chain, all people honest.

    Args:
        protocols: their names.
        overrides: settings of all runs, in Hydra's grammar; the scenario is `small` unless they say another.
        project: a project's folder.
        progress: told how many protocols are done, of how many.

    Returns:
        A row for each phase of each protocol; columns as in COLUMNS.

    Raises:
        Misconfigured: a setting is what this compares, or what it leaves out.
    """
    for one in overrides:
        if one.partition("=")[0] in {"chain", "protocol", "attack"}:
            raise Misconfigured(f"{one}: fees compares honest runs of protocols on chain={' and '.join(CHAINS)}")
    scenario = next((one.partition("=")[2] for one in overrides if one.startswith("scenario=")), "small")
    tables = []
    for done, protocol in enumerate(protocols):
        if progress is not None:
            progress(done, len(protocols))
        l1, l2 = (
            costs(simulate(protocol, (), scenario, 0, [f"chain={chain}", *overrides], project).run, "verb")
            for chain in CHAINS
        )
        table = l1[["calls", "gas", "usd"]].rename(columns={"usd": "usd_l1"})
        table = table.join(l2[["usd", "data_usd"]].set_axis(["usd_l2", "data_l2"], axis=1), how="outer").fillna(0)
        tables.append(table.rename_axis("phase").reset_index().assign(protocol=protocol))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)].astype({"calls": int, "gas": int})


def chosen(names: Sequence[str], there: Sequence[str]) -> list[str]:
    """Return the protocols of these names; all, if none.

    Args:
        names: of protocols.
        there: all that there are.

    Raises:
        Misconfigured: there is no such protocol.
    """
    if strange := [name for name in names if name not in there]:
        raise Misconfigured(f"there is no protocol {strange[0]!r}; {choices(strange[0], there)}")
    return list(names or there)
