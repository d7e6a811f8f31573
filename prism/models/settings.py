"""The settings of one generation: one table, from which every interface is derived.

The pipeline's call, share links, the HTTP API, the command line, the page's controls, cache keys,
the stored examples and the text inside MIDI files all take their names, defaults and ranges from
the rows of `GenerationSettings`. To add a setting, add a row.

Conventions
-----------
open
    A setting of None is open: the music, the composers or the chance of the seed decide. Links,
    the page and the HTTP API have its `blank` instead: 0 for a tempo, an empty text for a word.
public name
    What links, the HTTP API and the command line call a setting: its `alias` where it has one.
weights
    0 to 100, as in the page's mixer; only their proportions count. They are rounded to six
    digits, so that 1 : 2 and 50 : 100 are one choice.
seed
    A whole number from 0 to 2³¹ − 1 on the page, in links, the HTTP API, the command line and
    Python alike, and never rounded: what lies outside is an error, as are 1.5 and True.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from prism.models.edits import Edit, Form, Keep, Kept, Redraw
from prism.models.setting_types import (
    AttributeSetting,
    Composers,
    Metre,
    Number,
    Offered,
    Setting,
    SettingError,
    Weights,
    Word,
)
from prism.music.form import LETTER_NAMES
from prism.music.instruments import INSTRUMENTS, program_of
from prism.music.metadata import mixture
from prism.music.roll import BEATS, FRAMES

# What the baseline starts from, in the words of the page.
AMT_STARTS = {
    "opening": "another piece's opening",
    "nothing": "nothing (unprompted)",
    "melody": "the Prism melody (accompaniment)",
}
# Whose settings decide the baseline's piece besides its own.
_STARTS_FROM = {"opening": "corpus", "nothing": "amt", "melody": "prism"}
_ALL_SOURCES = ("prism", "corpus", "amt")
_HIGHEST_SEED = 2**31 - 1
_BARS: dict[str, int] = {"most": 16, "bars": FRAMES, "seeds": _HIGHEST_SEED}
_WEIGHT_DIGITS = 6
TAKES = 4


def _row(setting: Setting, **default: Any) -> Any:
    """A field of the dataclass; its default is the setting's where no other is given."""
    return dataclasses.field(**{"default": setting.default} | default, metadata={"row": setting})


def _number(default: float | None, low: float, high: float, **others: Any) -> Any:
    return _row(Number(default=default, low=low, high=high, **others))


def _attribute(help: str, **others: Any) -> Any:
    return _row(AttributeSetting(help=help, **others))


@dataclasses.dataclass(frozen=True)
class GenerationSettings:
    """What to draw; checked, so that equal settings give equal pieces.

    Every parameter takes what `Setting.check` of its row does; the rows below say what each is.
    Composers with a weight of 0 are left out, and `composer_weights` sum to 1. What depends on the
    model, `known_to` checks.

    Parameters
    ----------
    mixer : tuple of (str, float)
        All composers with their weights as given; not compared. Usually left to be derived.

    Raises
    ------
    SettingError
        If a value is out of its range; the message names the setting.

    Examples
    --------
    >>> GenerationSettings(["Bach", "Mozart"], [30, 10], seed=7).mix
    'Bach 75 % + Mozart 25 %'
    """

    composers: tuple[str, ...] = _row(
        Composers(most=4, help="one to four", decides=_ALL_SOURCES), default=dataclasses.MISSING
    )
    composer_weights: tuple[float, ...] | None = _row(
        Weights(
            default=50,
            low=0,
            high=100,
            step=1,
            label="Weight",
            help="one number a composer, of which the proportions count",
            decides=("prism", "amt"),
            alias="weights",
        ),
        default=None,
    )
    guidance_scale: float = _number(
        2.0,
        0,
        8,
        step=0.1,
        label="Guidance scale",
        help="0 ignores the composers, 8 exaggerates them",
    )
    seed: int = _number(
        0, 0, _HIGHEST_SEED, whole=True, help="same seed, same notes", decides=_ALL_SOURCES
    )
    num_inference_steps: int = _number(
        8,
        1,
        200,
        step=1,
        whole=True,
        label="Steps",
        unit="sampler steps",
        help="8 by the student, which is quick, or 16 where there is none; more are finer",
    )
    tempo: float | None = _number(
        None,
        20,
        400,
        unit="quarter notes a minute",
        help="0 for the music's own",
        decides=_ALL_SOURCES,
    )
    beats: int = _number(
        BEATS,
        BEATS,
        256,
        step=16,
        whole=True,
        label="Length",
        unit="beats",
        help=f"beyond {BEATS}, each 48 beats go on from the 16 before",
    )
    amt_start: str = _row(
        Word(
            default="opening",
            choices=AMT_STARTS,
            label="AMT begins with",
            help="not played or scored",
            decides=("amt",),
        )
    )
    structure_scale: float = _number(
        0.35, 0, 8, step=0.05, label="Repetition", help="how strongly earlier bars come back"
    )
    form: str | None = _row(
        Form(
            most=BEATS,
            letters=LETTER_NAMES,
            label="Form",
            help=f"a letter for each part of the first {BEATS} beats, all equally long",
        )
    )
    attribute_scale: float = _number(
        1.5, 0, 8, help="guidance towards each attribute on its own", shared=False
    )
    instrument: str = _row(
        Word(
            default="piano",
            choices=INSTRUMENTS,
            label="Instrument",
            help="changes the sound, not the notes",
            decides=(),
        )
    )
    take: int | None = _number(
        None,
        2,
        TAKES,
        whole=True,
        help="another drawing beside the same real piece, 0 for the first",
    )
    time_signature: tuple[int, int] | None = _row(
        Metre(label="Metre", help="time signature", alias="metre")
    )
    keep: str | None = _row(
        Keep(
            **_BARS | {"most": 2},
            label="Kept bars",
            help="bars of another piece, which Prism's goes on from or fills in between",
        )
    )
    redraw: str | None = _row(
        Redraw(
            **_BARS,
            label="Redrawn bars",
            help="bars that are drawn anew, all else stays",
        )
    )
    key: str | None = _attribute("such as A minor or B♭ major")
    density: str | None = _attribute("notes a beat")
    register: str | None = _attribute("mean pitch")
    character: str | None = _attribute("range of loudness and pitch")
    repetition: str | None = _attribute("how many bars return", label="Returning bars")
    collection: str | None = _attribute("in whose manner")
    mixer: tuple[tuple[str, float], ...] = dataclasses.field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        names = SETTINGS["composers"].check(self.composers)
        weights = SETTINGS["composer_weights"].for_composers(self.composer_weights, len(names))
        shares = _shares(weights)
        checked = {
            "composers": tuple(n for n, share in zip(names, shares, strict=True) if share),
            "composer_weights": tuple(share for share in shares if share),
            "mixer": self.mixer or tuple(zip(names, weights, strict=True)),
        }
        for name in OTHERS:
            checked[name] = SETTINGS[name].check(getattr(self, name))
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def read(cls, values: Mapping[str, Any], offered: Offered) -> GenerationSettings:
        """Settings from values under their public names; see `known_to` for `offered`."""
        named = {PUBLIC[name].name: value for name, value in values.items()}
        try:
            return cls(**named).known_to(offered)
        except SettingError as error:
            raise error.called(SETTINGS[error.name].public_name) from None

    def known_to(self, offered: Offered) -> GenerationSettings:
        """These settings in a model's own spelling.

        Raises
        ------
        SettingError
            If it cannot be asked for them.
        """
        given = tuple(name for name, _ in self.mixer)
        names = SETTINGS["composers"].check(given, offered)
        asked = self.attributes | {"form": self.form}
        spelt = {name: SETTINGS[name].check(value, offered) for name, value in asked.items()}
        if names == given and spelt == asked:
            return self
        mix = {"composers": names, "composer_weights": [weight for _, weight in self.mixer]}
        return dataclasses.replace(self, **mix, **spelt, mixer=())

    @property
    def attributes(self) -> dict[str, str]:
        """Those that are not open, sorted; see `prism.music.attributes`."""
        named = {name: getattr(self, name) for name in sorted(ATTRIBUTE_SETTINGS)}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Which bars are redrawn, one edit after another."""
        return SETTINGS["redraw"].edits(self.redraw)

    @property
    def kept(self) -> Kept | None:
        """Which bars of another piece stay."""
        return SETTINGS["keep"].kept(self.keep)

    @property
    def single(self) -> GenerationSettings:
        """The same for a single drawing of 64 beats, around nothing."""
        return dataclasses.replace(self, keep=None, beats=BEATS, redraw=None)

    def with_edits(self, edits: Sequence[Edit]) -> GenerationSettings:
        """The same with other edits."""
        return dataclasses.replace(self, redraw=",".join(map(str, edits)) or None)

    @property
    def takes(self) -> list[GenerationSettings]:
        """All takes of this setting, from the first on, each a single drawing."""
        numbers = (None, *range(2, TAKES + 1))
        return [dataclasses.replace(self.single, take=number) for number in numbers]

    def drawn_from(self, seed: int) -> int:
        """The seed whose notes this take of a seed has: take 2 those of the next seed."""
        return (seed + (self.take or 1) - 1) % (SETTINGS["seed"].high + 1)

    @property
    def mix(self) -> str:
        """The composers with their shares, for example ``"Bach 70 % + Mozart 30 %"``."""
        return mixture(self.composers, self.composer_weights)

    @property
    def program(self) -> int:
        """On what all pieces are played, by the composer with the largest share if that decides."""
        shares = dict(zip(self.composers, self.composer_weights, strict=True))
        return program_of(self.instrument, max(shares, key=shares.get))

    def public(self) -> dict[str, Any]:
        """The values under their public names, as the page and the HTTP API have them."""
        values = {"composers": [n for n, _ in self.mixer], "weights": [w for _, w in self.mixer]}
        return values | {s.public_name: s.public(getattr(self, s.name)) for s in _shared_others()}

    def record(self, source: str) -> dict[str, Any]:
        """What decides a source's piece besides the composers and is not open, by name."""
        found = {s.name: getattr(self, s.name) for s in _shared_others() if source in s.decides}
        return {name: value for name, value in found.items() if value is not None}

    def key_for(self, source: str) -> tuple:
        """Equal for settings with which a source (``prism``, ``corpus``, ``amt``) does the same."""
        along = _STARTS_FROM[self.amt_start] if source == "amt" else source
        names = [n for n, s in SETTINGS.items() if source in s.decides or along in s.decides]
        return source, *(getattr(self, name) for name in names)


SETTINGS: dict[str, Setting] = {
    field.name: dataclasses.replace(
        setting, name=field.name, label=setting.label or field.name.capitalize()
    )
    for field in dataclasses.fields(GenerationSettings)
    if (setting := field.metadata.get("row"))
}
PUBLIC = {setting.public_name: setting for setting in SETTINGS.values() if setting.shared}
# All but composers and weights.
OTHERS = tuple(SETTINGS)[2:]
PUBLIC_OTHERS = tuple(PUBLIC)[2:]
ATTRIBUTE_SETTINGS = tuple(n for n, s in SETTINGS.items() if isinstance(s, AttributeSetting))


def _shared_others() -> list[Setting]:
    return [SETTINGS[name] for name in OTHERS if SETTINGS[name].shared]


def checked_seeds(seed: int | Sequence[int]) -> tuple[int, ...]:
    """One or more seeds as a tuple; raises `SettingError` for none or one out of range."""
    seeds = tuple(seed) if isinstance(seed, (list, tuple, range)) else (seed,)
    if not seeds:
        raise SettingError("seed", "at least one", seed)
    return tuple(SETTINGS["seed"].check(one) for one in seeds)


def _shares(weights: Collection[float]) -> list[float]:
    if len(weights) == 1:
        return [1.0]
    rounded = [round(weight / sum(weights), _WEIGHT_DIGITS) for weight in weights]
    return [share / sum(rounded) for share in rounded]
