"""The content store: available while somebody pins, found by hash, gone with the last pin."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from slashpoint.sim.store import ContentError, ContentStore, cid

people = st.sampled_from(["ann", "bob", "eve"])
contents = st.sampled_from([b"", b"a", b"model", b"\0" * 40])


class Pinning(RuleBasedStateMachine):
    """The store against a set of pairs (content, who)."""

    def __init__(self):
        super().__init__()
        self.store, self.pins = ContentStore(), set()

    def pinned(self, content):
        return {who for what, who in self.pins if what == content}

    @rule(content=contents, by=people)
    def put(self, content, by):
        assert self.store.put(content, by) == sha256(content).digest()
        self.pins.add((content, by))

    @rule(content=contents, by=people)
    def pin(self, content, by):
        if self.pinned(content):
            self.store.pin(cid(content), by)
            self.pins.add((content, by))
        else:
            with pytest.raises(ContentError, match=f"{by} cannot pin 0x{cid(content).hex()}"):
                self.store.pin(cid(content), by)

    @rule(content=contents, by=people)
    def unpin(self, content, by):
        if by in self.pinned(content):
            self.store.unpin(cid(content), by)
            self.pins.remove((content, by))
        else:
            with pytest.raises(ContentError, match=f"{by} does not pin"):
                self.store.unpin(cid(content), by)

    @invariant()
    def available_exactly_while_pinned(self):
        for content in (b"", b"a", b"model", b"\0" * 40):
            key, pinned = cid(content), self.pinned(content)
            assert self.store.get(key) == (content if pinned else None)
            assert set(self.store.pinned_by(key)) == pinned
            assert self.store.size(key) == (len(content) if pinned else 0)
            assert (key in self.store) == bool(pinned)
        assert len(self.store) == len({content for content, _ in self.pins})


TestPinning = Pinning.TestCase


def test_pinners_stand_in_the_order_in_which_they_began():
    store = ContentStore()
    key = store.put(b"model", "eve")
    for by in ("bob", "ann", "eve", "bob"):
        store.pin(key, by)
    assert store.pinned_by(key) == ("eve", "bob", "ann")


def test_an_identifier_alone_makes_nothing_available():
    assert ContentStore().get(cid(b"never put")) is None


@pytest.mark.parametrize("key", [b"", b"short", "0x" + "00" * 32, bytes(33)])
def test_what_is_no_identifier_is_said_to_be_none(key):
    with pytest.raises(ValueError, match="no content identifier"):
        ContentStore().get(key)
