"""``python -m dragstream``: the command ``dragstream``."""

import sys

from dragstream.command.main import main

if __name__ == "__main__":
    sys.exit(main())
