"""What must hold in each protocol, whatever people do: one module a protocol, a base of its market."""
