"""A daemon, seen from a program that asks it: `connect` (in `connection`), and one exchange by hand for the command line."""
