"""All that is known of one service in one room: its provider, its client, its program."""
