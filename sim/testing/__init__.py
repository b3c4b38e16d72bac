"""Conformance suites that anybody can run on an implementation of their own."""

from slashpoint.sim.testing.engine import check_engine, engine_trace

__all__ = ["check_engine", "engine_trace"]
