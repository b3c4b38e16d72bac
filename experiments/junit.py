"""The findings of a gate as JUnit XML, which every CI can read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

if TYPE_CHECKING:
    import pandas as pd

TAGS = {"failed": "failure", "crashed": "error", "inconclusive": "skipped"}


def junit(name: str, table: pd.DataFrame) -> str:
    """A suite with a case for each check; what is inconclusive counts as skipped."""
    totals = {"tests": str(len(table))}
    for status, tag in TAGS.items():
        totals["skipped" if tag == "skipped" else f"{tag}s"] = str(int((table["status"] == status).sum()))
    root = Element("testsuites", {"name": "slashpoint gate", **totals})
    suite = SubElement(root, "testsuite", {"name": name, **totals})
    for row in table.to_dict("records"):
        case = SubElement(suite, "testcase", classname=f"{name}.{row['scenario']}", name=str(row["check"]))
        if row["status"] in TAGS:
            SubElement(case, TAGS[row["status"]], message=str(row["found"])).text = str(row["line"])
        else:
            SubElement(case, "system-out").text = str(row["found"])
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"
