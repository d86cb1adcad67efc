"""A login that the daemon conducts: where its answer comes, and who waits for what."""
