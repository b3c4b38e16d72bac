"""Conformance suites that anybody can run on an implementation of their own."""

from slashpoint.sim.testing.engine import check_engine, engine_trace
from slashpoint.sim.testing.official import check_state_tests

__all__ = ["check_engine", "check_state_tests", "engine_trace"]
