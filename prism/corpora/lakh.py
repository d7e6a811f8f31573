"""Lakh ``clean_midi``: ``Artist/Song.1.mid``, many versions of a song, artists spelled many ways.

Some names kept the quoting of the table they were made from, across the slash:
``"Artist/The ""Quoted"" Song.mid"``.

Source: C. Raffel, "Learning-Based Methods for Comparing Sequences", 2016;
https://colinraffel.com/projects/lmd/
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

from prism.corpora.folder import Layout, Name, parse_name

TERMS = "MIDI file gathered by C. Raffel (dataset CC BY 4.0); the song is its owners'"

_ROOT = "clean_midi"
_VERSION = re.compile(r"\.(\d{1,3})$")
# "Etude Nr.12" is no twelfth version.
_NUMBERED_WORK = re.compile(r"\b(?:no|nr|op|opus|anh|bwv|kv?|vol|pt|part)$", re.IGNORECASE)


def parse_lakh(path: str) -> Name | None:
    """A path below (or from) ``clean_midi``; versions of a song share `Name.song`."""
    path = path.removeprefix("./").removeprefix(f"{_ROOT}/")
    if path.startswith('"') and path.endswith('"'):
        path = path[1:-1].replace('""', '"')
    name = parse_name(path)
    if name is None:
        return None
    title = _without_version(name.title)
    song = " ".join(_words(title)) or title
    return Name(name.artist, title, f"{artist_key(name.artist)}/{song}")


def _without_version(title: str) -> str:
    shorter = _VERSION.sub("", title)
    return title if not shorter or _NUMBERED_WORK.search(shorter) else shorter


def artist_key(artist: str) -> str:
    """The same for spellings that are plainly one artist.

    Case, accents, punctuation, "&" for "and" and a "The" at either end do not count, nor does
    which word a name begins with: "Collins Phil", "Collins, Phil" and "Phil Collins" are one.
    """
    words = _words(artist)
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    if len(words) > 1 and words[-1] == "the":
        words = words[:-1]
    # Turned, not sorted: "Ann and Bob" and "Bob and Ann" may be two acts.
    return min((" ".join(words[i:] + words[:i]) for i in range(len(words))), default=artist)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).casefold().replace("&", " and ")
    plain = "".join(c for c in plain if not unicodedata.combining(c) and c not in "'`’\"")
    return re.findall(r"[^\W_]+", plain)


def merge_artists(artists: Iterable[str]) -> dict[str, str]:
    """Which label each spelling counts to, from the artists of all files.

    The most frequent spelling names the label, but one without a comma or a stray quote before one
    with, and mixed case before capitals.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for artist in artists:
        spellings[artist_key(artist)][artist] += 1
    return {
        spelling: min(counts, key=lambda s: _rank(s, counts[s]))
        for counts in spellings.values()
        for spelling in counts
    }


def _rank(spelling: str, count: int) -> tuple:
    odd = bool(re.search(r'[,"]', spelling))
    return odd, spelling in (spelling.upper(), spelling.lower()), -count, spelling


LAKH = Layout("lakh", parse_lakh, TERMS, merge_artists)
