"""OAuth 2: the grants, login, discovery, and the catalogue of providers."""
