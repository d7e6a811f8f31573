"""A bundle: all that the page needs of one collection, with a manifest of what belongs together.

``python -m prism.service.bundle [FOLDER]`` writes a bundle's manifest anew, after a part of it was
replaced on purpose.

Conventions
-----------
layout
    ``corpus/``, ``weights/`` (Prism's, with ``amt`` and ``similarity`` in them), ``study.json``,
    ``evaluation.json``, ``examples.json``, ``bundle.json``. Of the shipped bundle ``weights/`` lies
    beside ``assets/``, which holds the rest.
parts
    What decides the notes and scores, by name, with their SHA-256 in the manifest: ``corpus``,
    ``prism``, ``student`` if there is one, ``profiles`` (``prism.json``), ``amt``, ``similarity``,
    ``bands``.
belonging
    A network's ``training.json`` names the corpus that it learned from; study, experiment and
    examples what they were made of. What does not belong to the bundle is refused by name, and the
    rest of the page works.
withheld
    The notes of real pieces leave a server that others can reach only if the terms of all of them
    allow it, or the manifest or the host says so; see `withheld`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prism import ASSETS, ROOT
from prism.corpora.prepared import CORPUS_FILE, INDEX_FILE
from prism.corpora.provenance import DIGEST_LENGTH, MODELS, weights_digest
from prism.corpora.sharded import ShardedCorpus, load_corpus
from prism.models.hub import find_weights
from prism.music.metadata import file_stem
from prism.music.writing import write_text
from prism.service.links import SHIPPED

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.service.loading import Loader

MANIFEST_FILE = "bundle.json"
DOCUMENTS = ("study", "evaluation", "examples")
RECORD_FILE = "training.json"
BANDS_FILE = "bands.json"
# What to fetch of a bundle on the Hub, at any depth; no code.
BUNDLE_FILES = ("*.json", "*.safetensors", "corpus/*", "weights/*.md")
# Of each network its folder among the weights, and what it is called.
NETWORKS = {
    "prism": ("", "Prism's weights"),
    "amt": ("amt", "the baseline's weights"),
    "similarity": ("similarity", "the music network's weights"),
}
_SETTINGS = {"prism": "prism.json", "amt": "config.json", "similarity": "config.json"}
_TITLES = {name: title for name, (_, title) in NETWORKS.items()} | {
    "corpus": "the corpus",
    "student": "the student's weights",
}
_DECIDING = ("corpus", "prism", "student", "profiles", "amt")
# What a host or a builder can say of real pieces: whether they are shown.
PIECES = {"show": True, "hide": False}
# Terms under which notes may be passed on, if the songs are not somebody's.
_FREE = re.compile(r"\bCC0|\bCC BY|public domain|\bMIT\b|no restriction", re.IGNORECASE)
_OWNED = "owners'"
_LACKING = (
    "the bundle was published without, or its build is not finished; the command that began it "
    "goes on"
)


class BundleError(ValueError):
    """A bundle or a part of it is missing or does not belong to the rest; says what to do."""


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What ``bundle.json`` holds.

    Parameters
    ----------
    name : str
        As the page calls it.
    music : str
        What the networks learned from, to end "trained on ...".
    terms : tuple of str
        Those of the pieces, the most frequent first.
    parts : dict
        SHA-256 of each part that is there; see Conventions.
    show_pieces : bool, optional
        Whether real pieces may be seen, heard and saved, whatever their terms.
    """

    name: str
    music: str
    terms: tuple[str, ...] = ()
    parts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    show_pieces: bool | None = None

    @property
    def unfree(self) -> list[str]:
        """Those of the terms under which it is not known that notes may be passed on."""
        known = self.terms or ("not known",)
        return [terms for terms in known if not _FREE.search(terms) or _OWNED in terms]


@dataclasses.dataclass(frozen=True)
class Bundle:
    """Where the parts lie, and what the manifest says of them.

    Parameters
    ----------
    folder, corpus : Path
        Of the documents, and of the prepared corpus.
    weights, amt : path-like or None
        Folders or names on the Hub; the baseline's is ``amt`` among the weights by default.
    manifest : Manifest
    """

    folder: pathlib.Path
    corpus: pathlib.Path
    weights: str | os.PathLike
    manifest: Manifest
    amt: str | os.PathLike | None = None

    @property
    def is_shipped(self) -> bool:
        """Whether its documents are those that Prism brings along."""
        return self.folder == ASSETS

    @property
    def id(self) -> str:
        """What a link carries of it: name and a digest of what decides the notes."""
        found = [self.manifest.parts.get(name, "") for name in _DECIDING]
        digest = hashlib.sha256(" ".join(found).encode()).hexdigest()
        name = SHIPPED if self.is_shipped else self.manifest.name
        return file_stem(name, end=digest[:8]).lower()

    def path(self, document: str) -> pathlib.Path:
        """The file of one of `DOCUMENTS`, there or not."""
        return self.folder / f"{document}.json"

    def with_others(
        self,
        weights: str | os.PathLike | None = None,
        amt: str | os.PathLike | None = None,
        corpus: pathlib.Path | None = None,
    ) -> Bundle:
        """The same with some parts from elsewhere, of which the manifest then says nothing."""
        other = {
            "corpus": corpus,
            "prism": weights,
            "student": weights,
            "profiles": weights,
            "similarity": weights,
            "bands": weights,
            "amt": weights or amt,
        }
        parts = {name: sha for name, sha in self.manifest.parts.items() if not other[name]}
        return dataclasses.replace(
            self,
            corpus=corpus or self.corpus,
            weights=weights or self.weights,
            amt=amt or self.amt,
            manifest=dataclasses.replace(self.manifest, parts=parts),
        )

    def document(self, name: str) -> dict[str, Any]:
        """What one of `DOCUMENTS` holds.

        Raises
        ------
        BundleError
            If it is missing, damaged, or was made of something else than this bundle.
        """
        path, remedy = self.path(name), f"make it with: {self._maker(name)}"
        if not path.is_file():
            raise BundleError(f"{path.name} is missing; {remedy}")
        found = _read(path)
        for part, digest in _made_of(found).items():
            own = self.manifest.parts.get(part, "")
            if digest != own:
                title = _TITLES[part]
                raise BundleError(
                    f"{path.name} is not shown: it does not belong to {title} of this page "
                    f"({_short(own)}), but to another ({_short(digest)}); {remedy}"
                )
        return found

    def _maker(self, document: str) -> str:
        """The command that makes one of `DOCUMENTS`."""
        if not self.is_shipped:
            return f"prism build SOURCE --output {self.folder}, as it was begun"
        makers = {"study": "prism corpora report", "evaluation": "prism evaluate"}
        return makers.get(document, "python -m prism.service.make_examples")

    def record(self, network: str) -> dict[str, Any]:
        """What a network's ``training.json`` holds; empty if there is none."""
        path = pathlib.Path(self.weights) / NETWORKS[network][0] / RECORD_FILE
        return _read(path) if path.is_file() else {}

    def checked_corpus(self) -> Corpus | ShardedCorpus:
        """The corpus; raises BundleError if it is missing or not what the manifest lists."""
        if not (self.is_shipped or self.corpus.is_dir()):
            raise BundleError(f"there are no pieces in {self.corpus}: {_LACKING}")
        found = load_corpus(self.corpus)
        listed = self.manifest.parts.get("corpus", found.digest)
        if found.digest != listed:
            raise self._replaced(f"the corpus in {self.corpus}", found.digest, listed)
        return found

    def _replaced(self, what: str, found: str, listed: str) -> BundleError:
        return BundleError(
            f"{what} is not what {MANIFEST_FILE} lists ({_short(found)}, expected "
            f"{_short(listed)}); restore it, or, if it was replaced on purpose: python -m "
            f"prism.service.bundle {self.folder}"
        )

    def checked(self, network: str, folder: pathlib.Path, corpus: Loader) -> pathlib.Path:
        """The folder of one of `NETWORKS`, if what is in it belongs to the bundle and its corpus.

        What is missing of the shipped bundle, whoever loads it says best.

        Raises
        ------
        BundleError
            If it is missing, not what the manifest lists, or was trained on another corpus.
        """
        title = NETWORKS[network][1]
        if not self.is_shipped and not (folder / _SETTINGS[network]).is_file():
            raise BundleError(f"{title} are not in {folder}: {_LACKING}")
        for part, found in _network_parts(network, folder).items():
            listed = self.manifest.parts.get(part)
            if listed and found != listed:
                raise self._replaced(f"{title} in {folder}: {part}", found, listed)
        record = folder / RECORD_FILE
        trained_on = _read(record).get("corpus_sha256") if record.is_file() else None
        try:
            own = corpus.get().digest
        except (OSError, ValueError):
            return folder  # there is nothing that it could fail to belong to
        if trained_on and own and trained_on != own:
            raise BundleError(
                f"{title} in {folder}: trained on another corpus ({_short(trained_on)}) than that "
                f"in {self.corpus} ({_short(own)}); choose the network that was trained on it, or "
                "the other's whole bundle"
            )
        return folder


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except ValueError as error:
        raise BundleError(f"{path} is damaged ({error}); restore it") from error


def _short(digest: str) -> str:
    return f"SHA-256 {digest[:DIGEST_LENGTH]}…" if digest else "not known"


def _made_of(document: dict[str, Any]) -> dict[str, str]:
    """The digests that a study or an experiment names; examples are looked through one by one."""
    origin = document.get("origin", document)
    found = {"corpus": origin["corpus_sha256"]} if "corpus_sha256" in origin else {}
    return found | origin.get("weights_sha256", {})


def _digest_of(path: pathlib.Path) -> str:
    """SHA-256 of a file, empty if it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _network_parts(network: str, folder: pathlib.Path) -> dict[str, str]:
    """Digests of the parts that a network's folder holds; those that are not there are missing."""
    places = [folder / name for name in MODELS["prism"]] if network == "prism" else [folder]
    found = {}
    with contextlib.suppress(FileNotFoundError):
        found[network] = weights_digest(places)
    if network == "prism":
        with contextlib.suppress(FileNotFoundError):
            found["student"] = weights_digest([folder / "student"])
        found["profiles"] = _digest_of(folder / "prism.json")
    if network == "similarity":
        found["bands"] = _digest_of(folder / BANDS_FILE)
    return {name: digest for name, digest in found.items() if digest}


def parts_in(corpus: pathlib.Path, weights: pathlib.Path) -> dict[str, str]:
    """Digests of all parts that are there."""
    music = _digest_of(corpus / INDEX_FILE) or _digest_of(corpus / CORPUS_FILE)
    found = {"corpus": music} if music else {}
    for network, (folder, _) in NETWORKS.items():
        found |= _network_parts(network, weights / folder)
    return found


def open_bundle(name: str | os.PathLike | None = None) -> Bundle:
    """The bundle of a folder, or of a repository on the Hub, see `find_weights`; else the shipped.

    Raises
    ------
    BundleError, WeightsError
        If there is none.
    """
    if not name:
        return Bundle(ASSETS, ASSETS / "corpus", ROOT / "weights", _manifest(ASSETS, {}))
    folder = find_weights(name, BUNDLE_FILES, "bundle").resolve()
    corpus, weights = folder / "corpus", folder / "weights"
    if not (folder / MANIFEST_FILE).is_file() and not (corpus.is_dir() or weights.is_dir()):
        raise BundleError(
            f"no bundle at {folder}: expected {MANIFEST_FILE}, corpus and weights there; make one "
            f"with: prism build MY_MUSIC --output {folder}"
        )
    has_manifest = (folder / MANIFEST_FILE).is_file()
    found = {} if has_manifest else parts_in(corpus, weights)
    return Bundle(folder, corpus, weights, _manifest(folder, found))


def _manifest(folder: pathlib.Path, parts: dict[str, str]) -> Manifest:
    """That of a folder; of one without a manifest, `parts` under the folder's name."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return Manifest(folder.name, f"the music of {folder.name}", (), parts)
    stored = _read(path)
    try:
        return Manifest(
            stored["name"],
            stored["music"],
            tuple(stored["terms"]),
            dict(stored["parts"]),
            stored.get("show_pieces"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"{path} is damaged (no {error}); write it anew: python -m prism.service.bundle"
        ) from error


def withheld(manifest: Manifest, show: bool | None, reached_by_others: bool) -> str:
    """Why the notes of real pieces stay on the server; empty if they need not.

    `show` is what the host says, who goes before the manifest.
    """
    show = manifest.show_pieces if show is None else show
    if show or (show is None and not (reached_by_others and manifest.unfree)):
        return ""
    reason = "this page is set so"
    if show is None:
        reason = (
            f"others can reach this page, and it is not known that they may have them (terms: "
            f"“{manifest.unfree[0]}”). Who may show them starts it with --pieces show"
        )
    return f"Real pieces are scored here, but their notes are not shown: {reason}."


def write_manifest(
    bundle: Bundle,
    corpus: Corpus | ShardedCorpus,
    name: str = "",
    music: str = "",
    show_pieces: bool | None = None,
) -> None:
    """Write what is there into the bundle's manifest; what is not given stays as it is."""
    terms = Counter(piece.terms for piece in corpus.pieces)
    manifest = Manifest(
        name or bundle.manifest.name,
        music or bundle.manifest.music,
        tuple(term for term, _ in terms.most_common()),
        parts_in(bundle.corpus, pathlib.Path(bundle.weights)),
        bundle.manifest.show_pieces if show_pieces is None else show_pieces,
    )
    text = json.dumps(dataclasses.asdict(manifest), indent=1, ensure_ascii=False)
    write_text(bundle.folder / MANIFEST_FILE, text + "\n")


def main(arguments: list[str] | None = None) -> None:
    """Write a bundle's manifest anew, of the shipped one by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[2])
    parser.add_argument("folder", nargs="?", help="the shipped bundle by default")
    bundle = open_bundle(parser.parse_args(arguments).folder)
    write_manifest(bundle, load_corpus(bundle.corpus))
    print(bundle.folder / MANIFEST_FILE)


if __name__ == "__main__":
    main()
