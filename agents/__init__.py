"""The people: persons and their accounts, the roles they play and how they conduct themselves."""
