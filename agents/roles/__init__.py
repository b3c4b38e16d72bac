"""What each protocol asks of people: one module a protocol, with one class a role."""
