"""The command line `vestal`. One file a command in `commands`; what they do is in `vestal.operations`."""
