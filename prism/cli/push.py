"""``prism push``: publish a bundle on the Hugging Face Hub, from where ``prism app`` serves it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from prism.cli.build_summary import write_card
from prism.service.bundle import Bundle, BundleError, open_bundle
from prism.training.push import publish

# What a build needed on its way; and where notes of real pieces are.
_WORK, _NOTES = ("run/*", "*.partial*", "*/lock"), ("corpus/*", "examples.json")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and publish; after a mistake one line on stderr, exit status 1."""
    parser = argparse.ArgumentParser(prog="prism push", description=__doc__)
    parser.add_argument("bundle", metavar="FOLDER", help="as prism build leaves it")
    parser.add_argument("--repo", required=True, metavar="OWNER/NAME", help="on the Hub")
    parser.add_argument("--private", action="store_true", help="if it has to be made first")
    music = parser.add_mutually_exclusive_group()
    music.add_argument(
        "--with-corpus", action="store_true", help="you may publish the notes of all pieces"
    )
    music.add_argument(
        "--without-corpus", action="store_true", help="without the pieces and the examples"
    )
    options = parser.parse_args(arguments)
    try:
        bundle = open_bundle(options.bundle)
        kept_back = _NOTES if options.without_corpus else ()
        if not options.without_corpus and not options.with_corpus:
            _check_terms(bundle)
        labels = bundle.record("prism").get("labels", [])
        if not labels:
            raise BundleError(f"{bundle.folder} holds no finished Prism: finish prism build first")
        write_card(bundle, labels)
        said = f"bundle {bundle.id}"
        print(publish(bundle.folder, options.repo, options.private, said, (*_WORK, *kept_back)))
    except (OSError, ValueError) as error:
        parser.exit(1, f"{error}\n")


def _check_terms(bundle: Bundle) -> None:
    """Raises BundleError if it is not known that the pieces' notes may be published."""
    if told := "; ".join(bundle.manifest.unfree):
        raise BundleError(
            f"the notes of the pieces would be published, and their terms are: {told}. Say "
            "--with-corpus if you may publish them, or --without-corpus to keep them back"
        )
