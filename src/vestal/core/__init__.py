"""The lifecycle of credentials, and the types everything else is written in. No HTTP client, database or terminal here."""
