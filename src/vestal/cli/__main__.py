"""The console script `vestal`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and exit."""
    # A command lives for a fraction of a second: its garbage is not worth collecting, not even at the end.
    gc.set_threshold(100_000)
    try:
        from vestal.cli.run import run

        code = run(sys.argv[1:])
        gc.freeze()
    except KeyboardInterrupt:  # before the first line of the command, or behind its last
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
