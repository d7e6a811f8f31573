"""Train Prism, as ``prism train`` does: ``python train.py --help``."""

from prism.cli.train import main

if __name__ == "__main__":
    main()
