"""Side-by-side measurements: `python -m bench`. What is measured, and how to read it, is in README.md."""
