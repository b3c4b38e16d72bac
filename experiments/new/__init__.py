"""Skeletons of what a project may hold: an attack, an invariant, a metric, a protocol."""
