"""Exports: what was found here, as tests for other people's tools."""
