"""The command `vestal`: one file per noun."""
