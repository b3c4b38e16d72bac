"""The survey: one model deployed on every network, measured in the same way, and told in a page of sourced numbers."""
