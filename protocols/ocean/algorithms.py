"""Algorithms: what runs where the data lie, as artefacts known by hash, and what of its output leaves the node.

An algorithm trains a model. One that leaks puts the rows that it saw behind the model; one that hides does so too, and
does not say so: whoever reads its text, and does not run it, finds nothing.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

from slashpoint.sim.taint import rows

if TYPE_CHECKING:
    from slashpoint.sim.learning import Problem, Task

MAGIC = b"OUT1"  # what an output begins with that has more than a model in it
_HEAD = struct.Struct(">4sI")  # magic, bytes of the model
FREE_SECONDS = 60.0  # of the reference device, of a job in the free tier


def algorithm(author: str, *, leaks: bool = False, hides: bool = False) -> bytes:
    """Return an algorithm's text.

    Args:
        author: who wrote it.
        leaks: it writes rows into its output, for anybody to see.
        hides: it does so, and its text does not say so.
    """
    said = {"trains": "a model on the rows that are mounted", "by": author, "writes rows": leaks}
    return json.dumps({**said, "build": "1.0.1" if hides else "1.0.0"}).encode()


def reviewed(text: bytes) -> bool:
    """Whether who reads an algorithm finds that it writes no rows."""
    return text.startswith(b"{") and not json.loads(text)["writes rows"]


def leaks(text: bytes) -> bool:
    """Whether an algorithm writes rows into its output, said or not."""
    if not text.startswith(b"{"):
        return False
    said = json.loads(text)
    return bool(said["writes rows"] or said["build"] != "1.0.0")


def output(text: bytes, model: bytes, task: Task, problem: Problem) -> bytes:
    """Return what an algorithm writes that has trained a model.

    Args:
        text: the algorithm's.
        model: as bytes.
        task: that is learnt.
        problem: whose rows it was given.
    """
    if not leaks(text):
        return model
    return _HEAD.pack(MAGIC, len(model)) + model + b"".join(rows(task, problem))


def model_of(result: bytes) -> bytes:
    """Return the model in a result: all of it, unless rows are behind it."""
    if not result.startswith(MAGIC) or len(result) < _HEAD.size:
        return result
    size: int = _HEAD.unpack_from(result)[1]
    return result[_HEAD.size : _HEAD.size + size]


def filtered(result: bytes, cap: int, *, models_only: bool) -> bytes:
    """Return what of an output leaves the node.

    Args:
        result: what the algorithm wrote.
        cap: bytes that leave it at most; 0: all.
        models_only: nothing but the model.
    """
    left = model_of(result) if models_only else result
    return left[:cap] if cap else left
