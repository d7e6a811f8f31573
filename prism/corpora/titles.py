"""Titles a person can read, made once of what music21's files say, in preparation.

Chorales get the names of music21's own tables, quartets and madrigals the numbers in their paths,
tunes their own titles without slips of the typist. A piece keeps its file's words as
`source_title`.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import re
import unicodedata

from prism.corpora.prepared import Corpus

# What no rule would find out.
_BY_HAND = {
    "bach/bwv846.mxl": "Prelude in C major, BWV 846",
    "beethoven/opus133.mxl": "String Quartet Op. 133 (Große Fuge)",
    "mozart/k545/movement1_exposition.mxl": "Piano Sonata K. 545, 1st movement (exposition)",
    "oneills1850/0501-0550.abc#33": "Peas Upon a Trencher",
    "ryansMammoth/HOnTheWabashJig.abc": "H— on the Wabash, Jig",
    "ryansMammoth/MorningfairHornpipe.abc": "Morning Fair, Hornpipe",
}
_QUARTET = re.compile(r"(?:opus(\d+)(?:no(\d+))?|k(\d+))(?:/movement(\d))?")
_MOVEMENTS = ("1st", "2nd", "3rd", "4th", "5th")
# One of music21's names begins with its first letter twice.
_TWICE = re.compile(r"^([A-Z])(?=\1[a-z])")
# "-a" and the like count another version of a cantata; these mark another edition of the same.
_EDITION = re.compile(r"-(?:inst|lp?z|sc?)$")
_MADRIGAL = re.compile(r"madrigal\.(\d+)\.(\d+)(_old)?")
# Volume of "Polyphonic Music of the Fourteenth Century", composer, number, name.
_TRECENTO = re.compile(r"PMFC_(\d+)(?:[_-]([A-Z][a-z]+)(?=[_-]\d))?(?:[_-](\d+[ab]?))?[_-](.+)")
# In this volume the encoder left other pieces' titles standing.
_MISNAMED_VOLUME = "24"
_SMALL_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "o'", "of", "on", "or")
    + ("the", "to", "with")
)
# "Blodgett's", "Easy?": the kind of dance follows without a comma.
_LEADS_ON = re.compile(r"(?:'s|s'|[\"?!])$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*'?")
# A line of music read as text has fewer letters; so many marks no title has.
_LETTERS = 0.6


def named(corpus: Corpus) -> Corpus:
    """The same pieces of music21's corpus under the titles that are shown."""
    pieces = (
        piece.with_title(display_title(piece.identifier, piece.source_title or piece.title))
        for piece in corpus.pieces
    )
    return dataclasses.replace(corpus, pieces=tuple(pieces))


def display_title(identifier: str, written: str) -> str:
    """A title to show.

    Parameters
    ----------
    identifier : str
        A piece's; its path in music21's corpus, and the tune's number.
    written : str
        What its file says, or the name of a file that says nothing.

    Examples
    --------
    >>> display_title("haydn/opus1no1/movement1.mxl", "opus1no1/movement1")
    'String Quartet Op. 1 No. 1, 1st movement'
    >>> display_title("ryansMammoth/BlodgettsReel.abc", "BLODGETT'S -- REEL.")
    "Blodgett's Reel"
    """
    if identifier in _BY_HAND:
        return _BY_HAND[identifier]
    folder, path = identifier.split("/", 1)
    make = _OF_FOLDER.get(folder, _tune)
    title = make(path, _plain(written))
    return title if _is_readable(title) else f"Untitled, {identifier}"


@functools.cache
def _chorale_names() -> dict[str, str]:
    """Names by the number in Bach's catalogue, by music21's two lists."""
    from music21.corpus import chorales

    lists = (chorales.ChoraleList(), chorales.ChoraleListRKBWV())
    return {str(bwv): row["title"] for known in lists for bwv, row in known.byBWV.items()}


def _chorale(path: str, _: str) -> str:
    number = pathlib.PurePath(path).stem.removeprefix("bwv")
    names = _chorale_names()
    name = names.get(number) or names.get(_EDITION.sub("", number), "Chorale")
    return f"{_TWICE.sub('', _plain(name))}, BWV {number}"


def _quartet(path: str, _: str) -> str:
    opus, number, catalogue, movement = _QUARTET.match(path).groups()
    work = f"K. {catalogue}" if catalogue else f"Op. {opus}" + (f" No. {number}" if number else "")
    part = f", {_MOVEMENTS[int(movement) - 1]} movement" if movement else ""
    return f"String Quartet {work}{part}"


def _madrigal(path: str, written: str) -> str:
    book, number, older = _MADRIGAL.match(path).groups()
    title = f"Madrigal, Book {book} No. {number}" + (" (older encoding)" if older else "")
    name = written.removeprefix(f"{book}.{number}: ")
    return title if name == written else f"{name}, {title}"


def _trecento(path: str, written: str) -> str:
    stem = pathlib.PurePath(path).stem
    found = _TRECENTO.match(stem)
    if not found:
        return _tidied(written)
    volume, composer, number, name = found.groups()
    if written != stem and volume != _MISNAMED_VOLUME:
        name = re.sub(r"^\d+[ab]?(?: \(\d+\))?\. ", "", written)
    place = [composer, number and f"no. {number.lstrip('0')}"]
    name = _tidied(name.replace("_", " "))
    return f"{name}, {' '.join([f'PMFC {int(volume)}', *filter(None, place)])}"


def _tune(_: str, written: str) -> str:
    """Such as ``GREEN SLEEVES -- JIG.``: a name, mostly with a kind of dance behind a dash."""
    # ABC's field name and accents, and what a search for "t:" once did to one book.
    title = re.sub(r"\bT:|(?<=at):", "", written)
    title = re.sub(r"\\'(\w)", r"\1" + "\N{COMBINING ACUTE ACCENT}", title)
    title = unicodedata.normalize("NFC", title.replace("=", "-"))
    title = re.sub(r"(?<=[a-z])(?=Jig\b)|(?<=\bNo\.)(?=\d)", " ", title)
    title = re.sub(r"(\d(?:st|n?d|r?d|th))\.", r"\1", title)
    name, *kinds = re.split(r"\s*--\s*|\s*-\s+", title)
    between = ": " if name.endswith(".") else " " if _LEADS_ON.search(name) else ", "
    return between.join(map(_tidied, [name, *kinds]))


def _tidied(title: str) -> str:
    """Nothing loose at its end, no shouting, a capital first."""
    title = _cased(re.sub(r"[\s.,;:]+([\")]*)$", r"\1", title))
    return title[:1].upper() + title[1:]


def _cased(title: str) -> str:
    """Words in capitals as a title has them."""
    shouted = sum(map(str.isupper, title)) > sum(map(str.islower, title))

    def word(found: re.Match) -> str:
        bare = found[0].removeprefix("Mc").removesuffix("'s").strip("'")
        if not bare.isupper() or (len(bare) == 1 and not shouted):
            return found[0]
        plain, is_first = found[0].lower(), not title[: found.start()].strip(' "(')
        if plain in _SMALL_WORDS and not is_first and found.end() < len(title):
            return plain
        return re.sub(r"^(o'|mc)?(.)", lambda f: (f[1] or "").title() + f[2].upper(), plain)

    return _WORD.sub(word, title)


def _plain(text: str) -> str:
    """One kind of apostrophe, single spaces."""
    return " ".join(text.replace("’", "'").split())


def _is_readable(title: str) -> bool:
    """Whether it is mostly letters, digits and spaces, which a misread page is not."""
    plain = sum(character.isalnum() or character == " " for character in title)
    return plain > _LETTERS * len(title)


_OF_FOLDER = {
    "bach": _chorale,
    "beethoven": _quartet,
    "haydn": _quartet,
    "monteverdi": _madrigal,
    "mozart": _quartet,
    "trecento": _trecento,
}
