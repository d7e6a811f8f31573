"""``python -m prism``: see `prism.cli`."""

from prism.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
