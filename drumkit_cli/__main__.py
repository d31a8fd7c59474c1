"""Run drumkit as ``python -m drumkit_cli``."""

from drumkit_cli.cli import main

if __name__ == "__main__":
    main()
