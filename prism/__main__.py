"""``python -m prism``: see `prism.commands`."""

from prism.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
