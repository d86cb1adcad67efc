"""Doors for programs that others wrote: what each of them wants to be told, and how. One question to a source each."""
