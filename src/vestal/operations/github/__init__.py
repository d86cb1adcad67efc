"""What people do with GitHub, for the command line and for a daemon."""
