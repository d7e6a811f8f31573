"""Serve the page, as ``prism app`` does: ``python app.py``."""

from prism.cli.app import main

if __name__ == "__main__":
    main()
