"""Clones and proxies: whose code runs at an address, told by the code that lies there."""

from __future__ import annotations

from slashpoint.sim.contract.words import ADDRESS

# EIP-1167, with what a factory may have written behind it, and the same since PUSH0 (EIP-7511)
CLONES = (
    ("363d3d373d3d3d363d73", "5af43d82803e903d91602b57fd5bf3"),
    ("365f5f375f5f365f73", "5af43d5f5f3e5f3d91602a57fd5bf3"),
)  # what stands before the address of the implementation, and behind it
IMPLEMENTATION_SLOT = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC  # of a proxy, by ERC-1967


def implementation(code: bytes) -> bytes | None:
    """Return the address whose code a minimal proxy runs; None for other code."""
    for before, behind in CLONES:
        start, rest = len(before) // 2, bytes.fromhex(behind)
        if code[:start].hex() == before and code[start + ADDRESS :].startswith(rest):
            return code[start : start + ADDRESS]
    return None
