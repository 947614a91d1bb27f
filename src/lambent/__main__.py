"""``python -m lambent``: the same as the command ``lambent``."""

from lambent.cli import main

if __name__ == "__main__":
    main()
