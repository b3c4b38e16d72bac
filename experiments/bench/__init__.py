"""How fast this is, beside its peers."""
