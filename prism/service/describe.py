"""Say it: a line of words → settings, without a network or a language model.

"a soft, sparse waltz in A minor, like Bach with a little Irish reel" asks for composers and their
weights, key, metre, density and character. What the words mean, `prism.service.vocabulary` says.

Conventions
-----------
said twice
    Of two values of one setting the later counts; what a dance or a mood suggests counts only where
    nothing is said. Words that come to nothing are told.
shares
    ``mostly``, ``a touch of``, ``half``, ``70 %`` belong to the composer that follows, or to the
    one just before; composers without a share have what is left in equal parts.
not
    ``not dense`` is the next value, medium; ``not minor`` is major; ``not Bach`` takes him out of
    those who are named, such as the Irish without their reels.
"""

from __future__ import annotations

import dataclasses
import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from prism.models.setting_types import Offered, SettingError, Text, number_text
from prism.models.settings import PUBLIC, SETTINGS
from prism.service.vocabulary import Meaning, Token, forms, moderate, speller, tokens, vocabulary

WORDS = Text(name="words", help="what the music should be like", longest=300)

_COMPOSERS, _WEIGHTS = SETTINGS["composers"], SETTINGS["composer_weights"]
_METRE = SETTINGS["time_signature"].public_name
_LEAST_LEFT = 20  # for composers without a share, however large those of the others are
_USELESS = ("cannot", "unknown", "value")
_UNKNOWN = "Prism knows no such words"
_SAY_WHICH = "say which you want instead"
_OVERRULED = "something else that was said counts"


@dataclasses.dataclass(frozen=True)
class Understood:
    """A setting by its public name, its value, and the words it came from.

    Each composer is one of its own; `share` is its part of 1.
    """

    setting: str
    value: Any
    words: str
    share: float | None = None

    def __str__(self) -> str:
        """For example ``Bach 80 %`` or ``metre 3/4``."""
        if self.share is not None:
            return self.value if self.share == 1 else f"{self.value} {100 * self.share:.0f} %"
        value = self.value if isinstance(self.value, str) else number_text(self.value)
        return f"{PUBLIC[self.setting].label.lower()} {value}"


@dataclasses.dataclass(frozen=True)
class Unused:
    """Words that Prism could not use, and why."""

    words: str
    reason: str

    def __str__(self) -> str:
        return f"“{self.words}” ({self.reason})"


@dataclasses.dataclass(frozen=True)
class Description:
    """What a line of words asks for, in the order in which it was said.

    Parameters
    ----------
    settings : dict
        By public name, with values as `GenerationSettings.read` takes them.
    """

    settings: dict[str, Any]
    understood: tuple[Understood, ...]
    unused: tuple[Unused, ...]


class _Item(NamedTuple):
    """Some words of the line and their meaning."""

    meaning: Meaning
    start: int
    end: int


class _Said(NamedTuple):
    """A setting that some words ask for.

    `direct` if they do more than suggest it; `avoided` is what a "not" stands before.
    """

    name: str
    value: Any
    start: int
    end: int
    direct: bool
    share: float | None = None
    avoided: Any = None


def describe(words: str, offered: Offered) -> Description:
    """The settings that a line of words asks for.

    Parameters
    ----------
    words : str
        In English; names of keys, dances and tempi in other languages too.
    offered : Offered
        What the model can be asked for.

    Raises
    ------
    SettingError
        If it is no text or too long a one.

    Examples
    --------
    >>> offered = Offered(["Bach", "Mozart"], {"key": ["A minor", "C major"]})
    >>> describe("a waltz in a-Moll, mostly Bach with some Mozart", offered).settings
    {'composers': ['Bach', 'Mozart'], 'weights': [75, 40], 'metre': '3/4', 'key': 'A minor'}
    """
    text = unicodedata.normalize("NFC", WORDS.check(words))
    reading = _Reading(text, offered)
    items = _with_numbers(list(_items(tokens(text), offered)))
    for useless, some in itertools.groupby(items, lambda i: i.meaning.kind in _USELESS):
        if useless:
            reading.pass_over(list(some))
        else:
            for item in some:
                reading.take(item)
    return reading.description()


def _items(said: Sequence[Token], offered: Offered) -> Iterator[_Item]:
    """The line cut into the longest phrases that are known."""
    known = vocabulary(offered)
    spelling, longest = speller(known), max(map(len, known))
    words, at = [spelling[token.plain] for token in said], 0
    letters = forms(said, known, words)
    while at < len(said):
        if at in letters:
            form, end = letters[at]
            yield _Item(Meaning("says", {"form": form}), said[at].start, said[end - 1].end)
            at = end
            continue
        # "in AB form" is not in A flat.
        most = min([at + longest, len(said), *(start for start in letters if start > at)])
        for end in range(most, at, -1):
            meaning = known.get(tuple(words[at:end]))
            # "in a" begins something else, "in A" is a key.
            if meaning and (meaning.kind == "ignored" or said[end - 1].written not in ("a", "am")):
                break
        else:
            end, meaning = at + 1, _unlisted(said[at].plain)
        yield _Item(meaning, said[at].start, said[end - 1].end)
        at = end


def _unlisted(word: str) -> Meaning:
    if "/" in word:
        return Meaning("says", {_METRE: word})
    if word.removeprefix("-").replace(".", "", 1).isdecimal():
        return Meaning("value", float(word))
    return Meaning("unknown" if word[:1].isalnum() else "break")


def _with_numbers(items: Sequence[_Item]) -> Iterator[_Item]:
    """Each number joined to the percent sign or to the name of a setting beside it."""
    at = 0
    while at < len(items):
        found, taken = _joined(items[at : at + 4])
        yield _Item(found, items[at].start, items[at + taken - 1].end)
        at += taken


def _joined(items: Sequence[_Item]) -> tuple[Meaning, int]:
    """What the first of some items means together with those after it, and how many those are."""
    kinds, contents = zip(*(item.meaning for item in items), strict=True)
    if kinds[:2] == ("value", "percent"):
        return Meaning("share", abs(contents[0])), 2  # what stands before it is a dash
    if kinds[:2] == ("value", "number"):
        return Meaning("says", {contents[1]: contents[0]}), 2
    if kinds[:2] == ("number", "value") and kinds[2:3] != ("percent",):
        return Meaning("says", {contents[0]: contents[1]}), 2
    if kinds[:3] == ("number", "ignored", "value") and kinds[3:] != ("percent",):
        return Meaning("says", {contents[0]: contents[2]}), 3
    return items[0].meaning, 1


class _Reading:
    """Takes the line's phrases in order, and has what has come of them."""

    def __init__(self, text: str, offered: Offered) -> None:
        self._text, self._offered = text, offered
        self._said: list[_Said] = []
        self._excluded: list[_Said] = []
        self._without_contrary: list[_Said] = []
        self._unused: dict[tuple[int, int], str] = {}
        self._forget()

    def _forget(self) -> None:
        """A share or a "not" goes no further than this."""
        self._share = self._not = self._last_not = self._previous = None

    def pass_over(self, items: Sequence[_Item]) -> None:
        """Some words in a row that Prism cannot use."""
        reasons = [i.meaning.content for i in items if i.meaning.kind == "cannot"]
        self._unused[items[0].start, items[-1].end] = (reasons or [_UNKNOWN])[0]
        self._forget()

    def take(self, item: _Item) -> None:
        """The next phrase."""
        kind = item.meaning.kind
        if kind in ("says", "suggests", "nearest"):
            self._take_settings(item)
        elif kind == "share":
            self._take_share(item)
        elif kind == "not":
            self._not = item
        elif kind == "or":
            self._not = item if self._last_not else self._not
        elif kind == "break":
            self._forget()
        self._previous = item

    def _take_share(self, item: _Item) -> None:
        last = self._said[-1] if self._said else None
        after = last and self._previous and last.end == self._previous.end
        if after and last.name == _COMPOSERS.name and last.share is None:
            self._said[-1] = last._replace(share=float(item.meaning.content), end=item.end)
        else:
            self._share = item

    def _take_settings(self, item: _Item) -> None:
        kind, content = item.meaning
        place = min(one.start for one in (item, self._share, self._not) if one), item.end
        if kind == "nearest":
            content = self._nearest(*content, place)
        share = float(self._share.meaning.content) if self._share else None
        if share is not None and "composers" in content:
            kind, content = "says", {"composers": content["composers"]}
        direct = kind != "suggests"
        found = [_Said(name, value, *place, direct, share) for name, value in content.items()]
        self._add(self._negated(found) if self._not else found, place)
        self._share, self._not, self._last_not = None, None, self._not

    def _nearest(self, name: str, label: str, place: tuple[int, int]) -> dict[str, list[str]]:
        """The label instead of a composer whom Prism has not learned."""
        known = label in self._offered.composers
        instead = f"; {label} is the nearest that it has" if known else ""
        self._unused[place] = f"Prism has not learned {name}{instead}"
        return {"composers": [label]} if known else {}

    def _negated(self, found: Sequence[_Said]) -> list[_Said]:
        """What their contrary suggests; composers are excluded."""
        self._excluded += [said for said in found if said.name == "composers"]
        others = [said for said in found if said.name != "composers"]
        contrary = [
            said._replace(value=moderate(said.name, said.value), direct=False, avoided=said.value)
            for said in others
        ]
        self._without_contrary += [said for said in contrary if said.value is None]
        return [said for said in contrary if said.value is not None]

    def _add(self, found: Sequence[_Said], place: tuple[int, int]) -> None:
        """Keep what the model can be asked for; if that is nothing, say why."""
        added, reason = [], _SAY_WHICH
        for said in found:
            try:
                added.append(said._replace(value=self._checked(said.name, said.value)))
            except SettingError as error:
                reason = f"expected {error.expected.split(' (')[0]}"
        self._said += added
        if not added and place not in [(said.start, said.end) for said in self._excluded]:
            self._unused.setdefault(place, reason)

    def _checked(self, name: str, value: Any) -> Any:
        setting = PUBLIC[name]
        if setting is not SETTINGS["composers"]:
            return setting.public(setting.check(value, self._offered))
        labels = tuple(label for label in value if label in self._offered.composers)
        if not labels:
            raise SettingError(name, "a composer that this model has learned", value)
        return labels

    def description(self) -> Description:
        """All that was understood, and what was not."""
        parts = self._parts()
        weights = _weights([share for share, _ in parts.values()])
        understood = [
            (said.start, Understood("composers", label, self._words([said]), w / sum(weights)))
            for (label, (_, said)), w in zip(parts.items(), weights, strict=True)
        ]
        settings = {"composers": list(parts), "weights": weights} if parts else {}
        counted = [said for _, said in parts.values()]
        for name, some in self._others().items():
            settings[name] = some[0].value
            understood.append((some[0].start, Understood(name, some[0].value, self._words(some))))
            counted += some
        counted += [s for s in self._said if s.avoided not in (None, settings.get(s.name))]
        self._tell_overruled(counted)
        for said in self._without_contrary:
            if settings.get(said.name, said.avoided) != said.avoided:
                self._unused.pop((said.start, said.end), None)
        unused = [Unused(self._text[a:b], why) for (a, b), why in sorted(self._unused.items())]
        understood.sort(key=lambda placed: placed[0])
        return Description(settings, tuple(u for _, u in understood), tuple(unused))

    def _words(self, some: Iterable[_Said]) -> str:
        return ", ".join(self._text[said.start : said.end] for said in some)

    def _parts(self) -> dict[str, tuple[float | None, _Said]]:
        """The share of each label, None for what is left, and where it was said."""
        named = [said for said in self._said if said.name == "composers"]
        chosen = [said for said in named if said.direct] or named[:1]
        without = {label for said in self._excluded for label in said.value}
        parts: dict[str, tuple[float | None, _Said]] = {}
        for said in chosen:
            left = [label for label in said.value if label not in without]
            for label in left:
                if label not in parts or parts[label][0] is None:
                    parts[label] = (said.share and said.share / len(left), said)
        if not parts:
            self._unused |= {(s.start, s.end): "name those that you want" for s in self._excluded}
        # Whoever is named stands before one of several.
        kept = sorted(parts, key=lambda label: len(parts[label][1].value))[: _COMPOSERS.most]
        for label in [label for label in parts if label not in kept]:
            said = parts.pop(label)[1]
            self._unused[said.start, said.end] = f"no more than {_COMPOSERS.most} composers at once"
        return parts

    def _others(self) -> dict[str, list[_Said]]:
        """Every other setting with all that asks for the value that counts, in order."""
        others = [said for said in self._said if said.name != "composers"]
        counts: dict[str, _Said] = {}
        for said in others:
            if said.name not in counts or said.direct:
                counts[said.name] = said
        return {n: [s for s in others if s[:2] == c[:2]] for n, c in counts.items()}

    def _tell_overruled(self, counted: Iterable[_Said]) -> None:
        places = {(said.start, said.end) for said in counted}
        for said in self._said:
            if (said.start, said.end) not in places:
                self._unused.setdefault((said.start, said.end), _OVERRULED)


def _weights(shares: Sequence[float | None]) -> list[float]:
    """The weights of composers; those without a share have what is left."""
    given = [share for share in shares if share is not None]
    if not given:
        return [_WEIGHTS.default] * len(shares)
    left = max(_WEIGHTS.high - sum(given), _LEAST_LEFT) / max(1, len(shares) - len(given))
    wanted = [left if share is None else share for share in shares]
    return [min(max(1, round(one)), _WEIGHTS.high) for one in wanted]
