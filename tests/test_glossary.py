"""The glossary of docs/concepts.md is short, plain, and of words that the pages use."""

from __future__ import annotations

import re
from pathlib import Path

from slashpoint.agents.conduct import DUTIES
from slashpoint.sim.market import VERBS

ROOT = Path(__file__).parents[1]
CONCEPTS = (ROOT / "docs/concepts.md").read_text(encoding="utf-8")
BEFORE, REST = CONCEPTS.split("## Glossary\n")
GLOSSARY, AFTER = REST.split("\n## ", 1)
MEANINGS = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", GLOSSARY, re.MULTILINE)
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "protocols").glob("*/README.md")]
ELSEWHERE = [path.read_text(encoding="utf-8") for path in PAGES if path.name != "concepts.md"]
TEXT = " ".join("\n".join([BEFORE, AFTER, *ELSEWHERE]).lower().split())


def test_at_most_forty_words_have_a_meaning_of_their_own():
    words = [word for word, _ in MEANINGS]
    assert 20 < len(words) <= 40
    assert len(set(words)) == len(words)
    assert len(words) == GLOSSARY.count("\n| ") - 1, "a row without a word in bold"


def test_each_word_of_the_glossary_is_used_in_the_pages():
    assert [word for word, _ in MEANINGS if not re.search(rf"\b{re.escape(word.lower())}", TEXT)] == []


def test_each_meaning_is_one_short_sentence():
    assert [word for word, meaning in MEANINGS if len(meaning.split()) > 25 or ". " in meaning] == []


def test_every_duty_and_verb_is_explained_once():
    tables = CONCEPTS.split("## Duties and verbs\n")[1].split("\n| field of a job")[0]
    assert re.findall(r"^\| `(\w+)\(", tables, re.MULTILINE) == list(DUTIES)
    assert re.findall(r"^\| `(\w+)` \|", tables, re.MULTILINE) == list(VERBS)
