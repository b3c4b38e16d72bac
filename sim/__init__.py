"""The machine: time, chain, learning, ledger. It knows no protocol and no strategy."""
