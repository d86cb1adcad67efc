"""The daemon: tokens for every program on the machine, over a socket, kept fresh before anyone asks."""
