"""The findings of a gate as JUnit XML, which every CI can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from slashpoint.experiments.text import visible

if TYPE_CHECKING:
    import pandas as pd

TAGS = {"failed": "failure", "crashed": "error", "inconclusive": "skipped"}


def junit(name: str, table: pd.DataFrame) -> str:
    """A suite with a case for each check; what is inconclusive counts as skipped."""
    totals = {"tests": str(len(table))}
    for status, tag in TAGS.items():
        totals["skipped" if tag == "skipped" else f"{tag}s"] = str(int((table["status"] == status).sum()))
    root = Element("testsuites", {"name": "slashpoint gate", **totals})
    suite = SubElement(root, "testsuite", {"name": visible(name), **totals})
    for row in table.to_dict("records"):
        _case(suite, f"{name}.{row['scenario']}", row)
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: Element, where: str, row: dict[Any, Any]) -> None:
    check, found, line = (visible(str(row[name])) for name in ("check", "found", "line"))
    case = SubElement(suite, "testcase", classname=visible(where), name=check)
    if row["status"] in TAGS:
        SubElement(case, TAGS[row["status"]], message=found).text = line
    else:
        SubElement(case, "system-out").text = found
