"""The commands that README.md and docs/ name are there, with their options and settings, and so are files and links."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shlex
from argparse import ArgumentParser
from pathlib import Path

import pytest

from slashpoint.experiments import verbs
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.config import compose, expand

ROOT = Path(__file__).parents[1]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (
    ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md")
)}  # fmt: skip
EXAMPLES = [path.parent.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("examples/*/slashpoint.yaml"))]
VERBS = sorted(module.name for module in pkgutil.iter_modules(verbs.__path__))
LINE = re.compile(r"^ {4}slashpoint ((?:[^\n]*\\\n)*[^\n]*)|`slashpoint\s([^`…]+)`", re.MULTILINE)
FILE = re.compile(r"^```(?:python|yaml)\n# (\S+/\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ATTACK = re.compile(r"`(attacks/\w+\.py)`[^`]*\n\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([\w-]+))?\)")
NAMED = re.compile(
    r"`((?:agents|benchmarks|conf|contracts|docs|examples|experiments|native|protocols|sim|tests)/[\w./-]+)`"
)

MADE_UP = re.compile(r"/x[./]|node_modules")  # somebody's protocol, and what npm brings


def parser(verb: str) -> ArgumentParser:
    """The parser of a verb's arguments."""
    found = ArgumentParser(verb, exit_on_error=False)
    importlib.import_module(f"{verbs.__name__}.{verb}").arguments(found)
    return found


def lines(where: str = "") -> list[list[str]]:
    """Each command line of a page, or of those of an example; words in capitals stand for something."""
    pages = [text for page, text in PAGES.items() if page.startswith(where or tuple(EXAMPLES)) == bool(where)]
    found = [block or inline for page in pages for block, inline in LINE.findall(page)]
    return [shlex.split(line.replace("\\\n", " "), comments=True) for line in found]


def heading(text: str) -> str:
    """What a link to a heading is called, as GitHub does."""
    return re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages write."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "slashpoint.yaml").touch()
    for name, body in [*FILE.findall(PAGES["docs/concepts.md"]), *ATTACK.findall(PAGES["README.md"])]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(body, encoding="utf-8")
    return folder


def test_every_command_line_is_understood() -> None:
    said = [words for words in lines() if words[0] not in {"VERB", "--help", "--version"}]
    assert len(said) > 20
    for verb, *words in said:
        assert verb in VERBS, words
        parser(verb).parse_intermixed_args(words)


def test_every_setting_of_a_command_line_can_be_composed(project: Path) -> None:
    for verb, *words in lines():
        settings = [word for word in words if re.match(r"[\w.]+=", word)]
        if verb not in {"run", "sweep", "matrix"} or not settings:
            continue
        asked = [word.replace("literal,hardened", "literal") for word in settings]
        compose(expand(asked)[0], project)


def test_every_attack_of_a_matrix_is_there() -> None:
    named = {one for verb, *words in lines() if verb == "matrix" for one in words if re.fullmatch(r"[a-z_+]+", one)}
    assert len(named) > 30
    assert {part for one in named for part in one.split("+")} <= {*catalogue.names("attack"), "literal", "hardened"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_command_line_of_an_example_can_be_composed_in_its_project(example: str) -> None:
    attacks, said = set(catalogue.names("attack", ROOT / example)), lines(example)
    assert said
    for verb, *words in said:
        parser(verb).parse_intermixed_args(words)
        settings = [word for word in words if re.match(r"[\w.]+=", word)]
        compose(expand(settings)[0], ROOT / example)
        assert verb == "explain" or attacks >= {one for one in words if re.fullmatch(r"[a-z_]+", one)}


def test_every_verb_is_told_of_with_all_its_options() -> None:
    page = PAGES["docs/concepts.md"].split("## Commands")[1]
    table = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", page, re.MULTILINE)
    told = {verb: set(re.findall(r"--[\w-]+", options)) for verb, options in table if verb in VERBS}
    there = {
        verb: {one for action in parser(verb)._actions for one in action.option_strings if one.startswith("--")}
        for verb in VERBS
    }
    assert told == {verb: options - {"--help"} for verb, options in there.items()}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_file_of_a_page_is_there(page: str) -> None:
    text, folder = PAGES[page], (ROOT / page).parent
    for target, place in LINK.findall(text):
        if "://" in target:
            continue
        there = folder / target if target else ROOT / page
        assert there.exists(), target
        if place:
            titles = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert place in map(heading, titles), f"{target}#{place}"
    named = [path for path in NAMED.findall(text) if not MADE_UP.search(path)]
    assert [path for path in named if not (ROOT / path).exists() and not (folder / path).exists()] == []
