"""Attacks: one file each, named like its option. A file holds one conduct that says what its attacker hopes for."""
