"""The rules of each protocol as Python sees them: one module a protocol."""
