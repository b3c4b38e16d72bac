"""The verbs of the command, a module each: its docstring is its help. Importing one is cheap: `--help` imports all."""
