"""The daemon as a process: starting, stopping and watching it from outside."""
