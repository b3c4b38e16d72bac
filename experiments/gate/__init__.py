"""Suites, how they are judged, and the mutants that they are tried on."""
