"""The findings of a gate as JUnit XML, which every CI can read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from slashpoint.experiments.gate.judge import CRASHED, FAILED, UNDECIDED
from slashpoint.experiments.report.text import visible

if TYPE_CHECKING:
    import pandas as pd

TAGS = {FAILED: "failure", UNDECIDED: "failure", CRASHED: "error"}


def junit(name: str, table: pd.DataFrame, *, allow_undecided: bool = False) -> str:
    """Return a suite with a case for each check. What did not hold is there with its status as its type.

    Args:
        name: of the suite.
        table: of `gate`.
        allow_undecided: what is undecided counts as skipped, not as a failure.
    """
    tags = TAGS | ({UNDECIDED: "skipped"} if allow_undecided else {})
    counts = Counter(tags[status] for status in table["status"] if status in tags)
    totals = {"tests": str(len(table)), "failures": str(counts["failure"]), "errors": str(counts["error"])}
    totals["skipped"] = str(counts["skipped"])
    root = Element("testsuites", {"name": "slashpoint gate", **totals})
    suite = SubElement(root, "testsuite", {"name": visible(name), **totals})
    for row in table.to_dict("records"):
        _case(suite, f"{name}.{row['scenario']}", row, tags.get(row["status"]))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: Element, where: str, row: dict[Any, Any], tag: str | None) -> None:
    check, found, line = (visible(str(row[name])) for name in ("check", "found", "line"))
    case = SubElement(suite, "testcase", classname=visible(where), name=check)
    if tag is not None:
        SubElement(case, tag, type=row["status"], message=found).text = line
    else:
        SubElement(case, "system-out").text = found
