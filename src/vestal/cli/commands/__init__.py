"""One module a command; its click command is `command`."""
