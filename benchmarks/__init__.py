"""The benchmarks: each module is one, found by being here. `slashpoint bench --list` tells them."""
