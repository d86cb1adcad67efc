"""What people do with a home: add, log in, revoke, export, rotate keys, look after it. For the CLI and the daemon alike.

Nothing here prints, prompts or knows of a terminal.
"""
