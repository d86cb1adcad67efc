"""`python -m vestal`: the same as the console script."""

from vestal.cli.__main__ import main

if __name__ == "__main__":
    main()
