"""The words that `prism.service.describe` understands, and their spelling.

They are derived from what a model offers and from the settings table; ``assets/vocabulary.json``
adds synonyms, dances, other languages' names of keys, and what people ask for in vain.

Conventions
-----------
plain words
    Lower case, without accents and apostrophes, and without a final s: ``Bach's`` is ``bach``,
    ``reels`` is ``reel``, in the vocabulary as in what is said.
form letters
    ``AABA`` in order of first appearance. Capitals of which some return, or four small letters,
    can be nothing else unless they are listed, as the band is; ``AB`` and ``abba`` are a form
    beside a word such as "form".
order
    Of two meanings of the same words the first stands: the model's own labels come before the
    table's synonyms, and those before what a single word of a label or a value might mean.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from prism import ASSETS
from prism.models.setting_types import Number, Offered
from prism.models.settings import ATTRIBUTE_SETTINGS, PUBLIC
from prism.music.attributes import ATTRIBUTES
from prism.music.form import LETTER_NAMES
from prism.music.instruments import INSTRUMENTS

# Initials, as of J. S. Bach, are passed over; A-B-A is one word.
_TOKEN = re.compile(
    r"(?:\b[A-Z]\.\s*){2,}|(?P<said>\d+/\d+|(?:(?<!\S)[-−])?\d+(?:\.\d+)?|\b[A-P](?:-[A-P]){2,}\b|"
    r"[^\W\d_]+(?:['’][^\W\d_]+)*(?:[#♯♭][^\W\d_]*)?|[%&+,;.!?])"
)
# f: a word such as "form", i: one that is passed over; c, l and s: letters, see `_letters`.
_FORM = re.compile("[cl]f|fi?[cl]|c|fi?s{3,}|s{3,}f?")
_SHORTEST_CORRECTED = 4
# One wrong letter of five, two of ten; of four, two that changed places.
_LEAST_ALIKE, _LEAST_ALIKE_REORDERED = 0.8, 0.75


class Token(NamedTuple):
    """A word, a number or a sign: as written, in plain letters, and where it stands."""

    written: str
    plain: str
    start: int
    end: int


class Meaning(NamedTuple):
    """What some words do.

    ``says`` and ``suggests`` give settings by public name, the latter where nothing else is said;
    ``nearest`` (name, label), ``share`` a weight, ``number`` a setting whose number stands beside
    it, ``cannot`` a reason; ``not``, ``or``, ``percent`` and ``ignored`` nothing.
    """

    kind: str
    content: Any = None


class _Form(NamedTuple):
    """Letters, and the index after the last token that tells them."""

    letters: str
    end: int


Vocabulary = dict[tuple[str, ...], Meaning]


def tokens(text: str) -> list[Token]:
    """The words, numbers and signs of a text."""
    found = (match for match in _TOKEN.finditer(text) if match["said"])
    return [Token(m["said"], _plain(m["said"]), m.start("said"), m.end("said")) for m in found]


def vocabulary(offered: Offered) -> Vocabulary:
    """All that can be said of a model."""
    first = _plainly(itertools.chain(_labels(offered), _named_values(offered)))
    # Of equal words the last given stands.
    return _plainly(_parts(offered)) | _listed() | _keys() | first


def speller(words: Vocabulary) -> Mapping[str, str]:
    """Plain words as the vocabulary spells them; others as they are."""
    return _Spelling({word for phrase in words for word in phrase})


def forms(said: Sequence[Token], known: Vocabulary, words: Sequence[str]) -> dict[int, _Form]:
    """Where forms stand, by the index of their first token; `words` are the tokens as spelt."""
    beside = _table()["form"]
    signs = ""
    for token, word in zip(said, words, strict=True):
        sign = _letters(token, known)
        is_ignored = known.get((word,), Meaning("")).kind == "ignored" and sign != "s"
        signs += "f" if word in beside else "i" if is_ignored else sign
    found = {}
    for match in _FORM.finditer(signs):
        letters = "".join(said[n].plain for n in range(*match.span()) if signs[n] in "cls").upper()
        if _in_order(letters):
            found[match.start()] = _Form(letters, match.end())
    return found


def _in_order(letters: str) -> bool:
    """A form's letters first appear in order, so that neither ``Bach`` nor ``bad`` is one."""
    return LETTER_NAMES.startswith("".join(dict.fromkeys(letters)))


def _letters(token: Token, known: Vocabulary) -> str:
    """``c`` for letters that are a form wherever they stand, ``l`` beside the word, ``x`` for none.

    ``s`` is for a single capital letter.
    """
    letters, capitals = token.plain.upper(), token.written.isupper()
    if capitals and len(letters) == 1 and letters in LETTER_NAMES:
        return "s"
    if len(letters) < (2 if capitals else 3) or not _in_order(letters):
        return "x"
    is_clear = len(letters) > (2 if capitals else 3) and 1 < len(set(letters)) < len(letters)
    return "c" if is_clear and (token.plain,) not in known else "l"


def _plainly(meanings: Iterable[tuple[str, Meaning]]) -> Vocabulary:
    """Meanings by their plain words; the first of equal words stands."""
    words = Vocabulary()
    for said, meaning in meanings:
        words.setdefault(tuple(token.plain for token in tokens(said)), meaning)
    return words


class _Spelling(dict):
    """Finds the known word when a word is first looked up; its first letter has to be right."""

    def __init__(self, known: set[str]) -> None:
        super().__init__({word: word for word in known})
        self._known = [word for word in known if len(word) >= _SHORTEST_CORRECTED]

    def __missing__(self, word: str) -> str:
        if len(word) < _SHORTEST_CORRECTED or not word.isalpha():
            return word
        alike = [known for known in self._known if known[0] == word[0]]
        scorer, least = OSA.normalized_similarity, _LEAST_ALIKE_REORDERED
        found = process.extract(word, sorted(alike), scorer=scorer, score_cutoff=least)
        fitting = (k for k, s, _ in found if s >= _LEAST_ALIKE or sorted(k) == sorted(word))
        return next(fitting, word)


def _plain(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word).casefold()
    if letters[-1].isdecimal():
        return letters.replace("−", "-")  # a minus sign, as a text is set
    bare = "".join(c for c in letters if c not in "'’-" and not unicodedata.combining(c))
    return bare.removesuffix("s") if len(bare) > 3 else bare


@functools.cache
def _table() -> dict[str, Any]:
    return json.loads((ASSETS / "vocabulary.json").read_text(encoding="utf-8"))


def _labels(offered: Offered) -> Iterator[tuple[str, Meaning]]:
    for label in offered.composers:
        yield label, Meaning("says", {"composers": [label]})


def _values(offered: Offered) -> Iterator[tuple[str, str]]:
    """(attribute, value), also of attributes that the model has not learned; no keys."""
    known = {name: attribute.values for name, attribute in ATTRIBUTES.items()} | {
        name: tuple(values) for name, values in offered.attributes.items()
    }
    for name in ATTRIBUTE_SETTINGS:
        yield from ((name, value) for value in known.get(name, ()) if name != "key")


def _named_values(offered: Offered) -> Iterator[tuple[str, Meaning]]:
    """Such as ``low register`` and ``register: low``; an instrument needs no name."""
    for name, value in _values(offered):
        for said in (f"{value} {name}", f"{name} {value}"):
            yield said, Meaning("says", {name: value})
    for value, words in INSTRUMENTS.items():
        yield value, Meaning("says", {"instrument": value})
        yield words, Meaning("says", {"instrument": value})


@functools.cache
def _listed() -> Vocabulary:
    """What the table says, besides the keys."""
    table, found = _table(), []
    for kind in ("says", "suggests"):
        found += [
            (words, Meaning(kind, settings)) for settings, said in table[kind] for words in said
        ]
    for label, names in table["nearest"]:
        found += [(name, Meaning("nearest", (name, label))) for name in names]
    for kind in ("cannot", "number", "share"):
        rows = table[kind].items()
        found += [(words, Meaning(kind, content)) for content, said in rows for words in said]
    for kind in ("not", "or", "percent", "ignored"):
        found += [(words, Meaning(kind)) for words in table[kind]]
    return _plainly(found)


@functools.cache
def _keys() -> Vocabulary:
    """Every key by all its names in all the table's languages."""
    values, found = ATTRIBUTES["key"].values, []
    for language in _table()["keys"]:
        changes = [("", 0)] + [(word, 1) for word in language["raised"]]
        changes += [(word, -1) for word in language["lowered"]]
        for (tonic, pitch), (change, by) in itertools.product(language["tonics"].items(), changes):
            for at, mode in ((0, "major"), (12, "minor")):
                says = Meaning("says", {"key": values[(pitch + by) % 12 + at]})
                for before, after in itertools.product(language["before"], language[mode]):
                    if before or after:  # "in C" or "C major"; C alone could be anything
                        found.append((f"{before}{tonic}{change}{after}", says))
    return _plainly(found)


def _parts(offered: Offered) -> Iterator[tuple[str, Meaning]]:
    """A value without its attribute's name, a word of labels, a setting's name alone."""
    for name, value in _values(offered):
        yield value, Meaning("says", {name: value})
    for word in dict.fromkeys(word for label in offered.composers for word in label.split()):
        labels = [label for label in offered.composers if word in label.split()]
        yield word, Meaning("says", {"composers": labels})
    for setting in PUBLIC.values():
        yield setting.label, Meaning("ignored")


def moderate(name: str, value: Any) -> Any:
    """What is meant by "not" a value: the next one on a scale, the table's default of a number.

    None where nothing is: of three, the middle one has no opposite.
    """
    if name == "key":
        modes = [settings["key"] for settings, _ in _table()["says"] if "key" in settings]
        return modes[1 - modes.index(value)] if value in modes else None
    if name == "tempo":
        other = _table()["moderate tempo"]
    elif name in ATTRIBUTES:
        scale = ATTRIBUTES[name].values
        other = {scale[0]: scale[1], scale[-1]: scale[-2]}.get(value)
    else:
        setting = PUBLIC[name]
        other = setting.default if isinstance(setting, Number) else None
    return None if other == value else other
