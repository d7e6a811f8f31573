"""What each lesson of the How it works tab shows, made with the models in use.

A lesson is a generator function of the service and the values of its controls. It yields views that
grow; the last one is the result.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prism.evaluation.report import mixing_words
from prism.models.settings import GenerationSettings
from prism.music.metadata import held_out_words, window_words
from prism.music.roll import FRAMES_PER_BEAT, Note, PianoRoll
from prism.music.windows import cut
from prism.service.bundle import BundleError
from prism.service.cards import NETWORKS, number
from prism.service.piece import ShownPiece, drawing

if TYPE_CHECKING:
    from prism.corpora.dataset import Window
    from prism.service.service import Service
    from prism.similarity.bands import Band
    from prism.similarity.scorer import Score

SCALES = (0.0, 1.0, 2.0, 4.0, 8.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_TIMES = [k / 20 for k in range(21)]
_PACE_SECONDS = 0.3
# In the film of a lesson that has no clock of its own, at full speed.
_STEP_SECONDS = 0.1
_DRAWN = "Drawn by Prism's model. No person composed it."
_WRITTEN = "Written by the baseline. No person composed it."


@dataclasses.dataclass(frozen=True)
class Meter:
    """A bar below a roll: what it measures, the value in words, and how full it is, 0 to 1.

    `band` is a stretch below it to compare with.
    """

    name: str
    text: str
    share: float
    band: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True)
class Picture:
    """One roll.

    Parameters
    ----------
    title, words, caption : str
        Above and below it, and the small print in its player.
    meters : tuple of Meter
        Below the words.
    notes : list of Note, optional
        The roll's notes in the order in which they appear, if a view shows them one by one.
    mark : (float, float), optional
        A stretch that is shaded, from beat to beat.
    """

    title: str
    roll: PianoRoll
    words: str = ""
    meters: tuple[Meter, ...] = ()
    notes: list[Note] | None = None
    mark: tuple[float, float] | None = None
    caption: str = ""

    def value(self) -> dict[str, Any]:
        """What the browser draws."""
        return {
            "title": self.title,
            "words": self.words,
            **drawing(self.roll, self.notes),
            "mark": self.mark,
            "meters": [dataclasses.asdict(meter) for meter in self.meters],
        }


@dataclasses.dataclass(frozen=True)
class Column:
    """Pictures that take one place, one after the other.

    Parameters
    ----------
    at : list of int, optional
        Which of them is shown at each stop; by default the one with the stop's number, and always
        the first if there is only one.
    shown : list of int, optional
        How many of the picture's notes are shown at each stop; all by default.
    source : str
        Whose colour the notes have: ``prism``, ``corpus`` or ``amt``.
    """

    pictures: list[Picture]
    at: list[int] | None = None
    shown: list[int | None] | None = None
    source: str = "prism"

    def value(self) -> dict[str, Any]:
        """What the browser draws."""
        pictures = [picture.value() for picture in self.pictures]
        return {
            "pictures": pictures,
            "at": self.at,
            "shown": self.shown,
            "source": self.source,
        }


@dataclasses.dataclass(frozen=True)
class View:
    """What a lesson shows: columns from left to right, a slider, and words for the status line.

    Without columns the rolls stay as they are; without stops there is no slider.

    Parameters
    ----------
    seconds : list of float, optional
        When each stop was reached: the stops then play like a film.
    numbers : dict, optional
        For the element with a beat's numbers; None leaves it as it is.
    """

    columns: list[Column]
    stops: list[str] = dataclasses.field(default_factory=list)
    label: str = ""
    start: int = 0
    seconds: list[float] | None = None
    said: str = ""
    numbers: dict[str, Any] | None = None

    def value(self) -> dict[str, Any]:
        """What the browser draws."""
        return {
            "columns": [column.value() for column in self.columns],
            "stops": self.stops,
            "label": self.label,
            "start": self.start,
            "seconds": self.seconds,
        }

    def piece(self, lesson: str, column: int, picture: int) -> ShownPiece:
        """One of the rolls as a player takes it, still without sound."""
        picked = self.columns[column].pictures[picture]
        return ShownPiece(
            kind=f"How it works · {lesson}",
            title=picked.title,
            detail=picked.words,
            caption=picked.caption,
            name=f"{lesson}-{picked.title}",
            roll=picked.roll,
        )


# ---- the lessons ----


def noise(service: Service, composer: str, piece: int) -> Iterator[View]:
    """The forward process: a held-out piece dissolves in noise."""
    from prism.service.lessons import dissolved

    window = _window(service, composer, piece)
    real, title, terms = window.roll, _window_title(window), held_out_words(window.piece)
    rolls = service.models.run(dissolved, service.pipeline.get(), real, _TIMES)
    pictures = []
    for t, roll in zip(_TIMES, rolls, strict=True):
        kept = float((roll.onset & real.onset).sum() / max(1, real.onset.sum()))
        meter = Meter("Notes of the piece still there", _percent(kept), kept)
        words = f"{title} · {_count_notes(roll)}"
        pictures.append(Picture(f"t = {t:.2f}", roll, words, (meter,), caption=terms))
    stops = [f"t = {t:.2f}: {_percent(1 - t)} music, {_percent(t)} noise" for t in _TIMES]
    columns = [Column(pictures, source="corpus")]
    yield View(columns, stops, "Diffusion time t", said="Drag the slider.")


def steps(service: Service, composer: str, seed: int) -> Iterator[View]:
    """The reverse process: from noise to music, a sampler step at a time."""
    from prism.service.lessons import decoded_states

    stream = service.pipeline.get().stream(GenerationSettings(composer, seed=seed))
    found = list(service.models.iterate(decoded_states(stream, seed)))
    words = f"{composer} · seed {seed}"
    columns = [
        Column([_drawn(f"{title}, step {m.step}", getattr(m, part), words) for m in found])
        for part, title in (("x_t", "Current sample"), ("clean", "Clean estimate"))
    ]
    stops = [f"step {m.step} of {found[-1].step}, t = {m.t:.2f}" for m in found]
    seconds = [_STEP_SECONDS * m.step for m in found]
    yield View(columns, stops, "Sampler step", seconds=seconds, said="Watch, or drag the slider.")


def guidance(service: Service, composer: str, seed: int) -> Iterator[View]:
    """One seed at several guidance scales, side by side."""
    pictures: list[Picture] = []
    for scale in SCALES:
        roll = _draw(service, GenerationSettings(composer, guidance_scale=scale, seed=seed))
        share = _recognised(service, roll).get(composer, 0.0)
        meter = Meter(composer, _percent(share), share)
        pictures.append(_drawn(f"Guidance {scale:g}", roll, meters=(meter,)))
        done = len(pictures) == len(SCALES)
        said = "" if done else f"{len(pictures)} of {len(SCALES)}…"
        yield View([Column([picture]) for picture in pictures], said=said)


def mixing(service: Service, first: str, second: str, seed: int) -> Iterator[View]:
    """From one composer to another with one seed."""
    if len(service.composers) == 1:
        raise ValueError(f"Mixing takes two composers, and here is one alone, {first}.")
    if first == second:
        raise ValueError(
            f"Both composers are {first}, and should be two: change one, then press Draw five."
        )
    pictures: list[Picture] = []
    for share in SHARES:
        mix = [first, second], [1 - share, share]
        pictures.append(_mixed(service, GenerationSettings(*mix, seed=seed)))
        done = len(pictures) == len(SHARES)
        stops = [picture.title for picture in pictures]
        said = "Drag the slider." if done else f"{len(pictures)} of {len(SHARES)}…"
        start = len(SHARES) // 2 if done else len(pictures) - 1
        yield View([Column(pictures)], stops, f"From {first} to {second}", start, said=said)


def _mixed(service: Service, settings: GenerationSettings) -> Picture:
    roll = _draw(service, settings)
    found = _recognised(service, roll)
    shares = {name: found.get(name, 0.0) for name, _ in settings.mixer}
    meters = tuple(Meter(f"Sounds like {n}", _percent(share), share) for n, share in shares.items())
    words = f"{_count_notes(roll)} · likeliest: {max(found, key=found.get)}"
    return Picture(settings.mix, roll, words, meters, caption=_DRAWN)


def measured_mixtures(service: Service) -> str:
    """How often the experiment found that mixtures follow the slider; empty if it did not ask."""
    try:
        return mixing_words(service.bundle.document("evaluation"))
    except BundleError:
        return ""


def numbers(
    service: Service,
    composer: str,
    piece: int,
    beat: int,
    noise_scale: float,
    given: Mapping[str, Any] | None = None,
) -> Iterator[View]:
    """The autoencoder's numbers of one beat, and the bars around it before and after.

    Without `given` numbers, or with those of another beat, the music's own are used.
    """
    from prism.service.lessons import bars_around, changed, encode

    window = _window(service, composer, piece)
    models, pipeline = service.models, service.pipeline.get()
    own = models.run(encode, pipeline, window.roll)[beat - 1].tolist()
    key = [composer, piece, beat]
    kept = bool(given) and given.get("key") == key
    after = models.run(
        changed, pipeline, window.roll, beat - 1, given["numbers"] if kept else own, noise_scale
    )
    first, frames = bars_around(window.roll, beat - 1)
    start = beat - 1 - first / FRAMES_PER_BEAT
    terms = held_out_words(window.piece)

    def column(title: str, roll: PianoRoll) -> Column:
        part = cut(roll, first, frames)
        words = f"around beat {beat} · {_count_notes(part)}"
        picture = Picture(title, part, words, mark=(start, start + 1), caption=terms)
        return Column([picture], source="corpus")

    yield View(
        [column("The piece", window.roll), column("Decoded from the numbers", after)],
        said=f"{_window_title(window)} · {len(own)} numbers a beat; beat {beat} is shaded.",
        numbers=None if kept else {"key": key, "numbers": own, "own": own},
    )


def race(service: Service, composer: str, seed: int) -> Iterator[View]:
    """Diffusion against autoregression: both recorded, to be played slowly."""
    from prism.service.lessons import timed

    yield View([], said="Prism draws…")
    settings, baseline = GenerationSettings(composer, seed=seed), service.sources["amt"]
    drawn = list(service.models.iterate(timed(service.pipeline.get().stream(settings))))
    amt = timed(baseline.stream(settings, baseline.prompt(settings)))
    written, shown_at = [], 0.0
    for seconds, sample in service.models.iterate(amt, cores=1):
        written.append((seconds, sample))
        if time.monotonic() - shown_at > _PACE_SECONDS:
            shown_at = time.monotonic()
            yield View([], said=f"The baseline writes: beat {int(sample.beats)} of 64…")
    rolls = service.models.run(lambda: [preview.rolls[0] for _, preview in drawn])
    words = f"{composer} · seed {seed}"
    estimates = [_drawn("Diffusion: Prism", roll, words) for roll in rolls]
    step_ends = [seconds for seconds, _ in drawn]
    yield _film(estimates, step_ends, written, f"Autoregression: {service.amt.get().name}")


def _film(
    estimates: list[Picture], step_ends: list[float], written: list[tuple[float, Any]], title: str
) -> View:
    """Both recordings on one clock; a stop wherever a step or a note is done."""
    from prism.service.lessons import births

    total, sample = written[-1]
    notes, present = births(sample)
    note_ends = [seconds for seconds, item in written if not item.done]
    seconds = sorted({0.0, *step_ends, *note_ends})
    done = [
        tuple(sum(end <= now for end in ends) for ends in (step_ends, note_ends)) for now in seconds
    ]
    prism = Column(
        estimates,
        at=[max(0, step - 1) for step, _ in done],
        shown=[None if step else 0 for step, _ in done],
    )
    words = f"after another piece's opening · {_count_notes(sample.roll)}"
    picture = Picture(title, sample.roll, words, notes=notes, caption=_WRITTEN)
    amt = Column([picture], shown=[present[note] for _, note in done], source="amt")
    stops = [
        f"{now:.2f} s: step {step} of {len(step_ends)}; note {present[note]} of {len(notes)}"
        for now, (step, note) in zip(seconds, done, strict=True)
    ]
    said = f"Recorded: Prism worked {step_ends[-1]:.1f} s, the baseline {total:.1f} s."
    return View([prism, amt], stops, "Time", seconds=seconds, said=said)


def scores(service: Service, composer: str, piece: int) -> Iterator[View]:
    """One held-out roll against itself, related music and nonsense."""
    from prism.service.lessons import relatives

    window = _window(service, composer, piece)
    rolls = relatives(service.corpus.get(), window, piece)
    scorer = service.scorer.get()
    found = service.models.run(scorer.scores, window.roll, rolls)
    title = _window_title(window)
    columns = []
    for name, roll in rolls.items():
        meters = meters_of(found[name], scorer.bands)
        words, caption = _count_notes(roll), f"Compared with {title}."
        columns.append(
            Column([Picture(name, roll, words, meters, caption=caption)], source="corpus")
        )
    yield View(columns, said=f"Each against {title}.")


def meters_of(found: Sequence[Score], bands: Mapping[str, Mapping[str, Band]]) -> tuple[Meter, ...]:
    """A meter for each network, with the band of two pieces by one composer; below 0 is empty."""
    meters = []
    for score in found:
        _, low, _, high, _ = bands[score.network]["same_composer"].quantiles
        text = f"{number(score.cosine)}, {score.words}"
        band = (max(0.0, low), max(0.0, high))
        meters.append(Meter(NETWORKS[score.network][0], text, max(0.0, score.cosine), band))
    return tuple(meters)


# ---- what several lessons use ----


def _window(service: Service, composer: str, piece: int) -> Window:
    """A held-out window by the composer; `piece` is the seed that draws it."""
    if service.withheld:
        raise ValueError(f"This lesson takes a real piece apart. {service.withheld}")
    return service.sources["corpus"].window(GenerationSettings(composer, seed=piece))


def _draw(service: Service, settings: GenerationSettings) -> PianoRoll:
    """The roll that the model draws, a step at a time, so that clicks come between."""
    *_, last = service.models.iterate(service.pipeline.get().stream(settings))
    return service.models.run(lambda: last.rolls[0])


def _recognised(service: Service, roll: PianoRoll) -> dict[str, float]:
    """Each composer's probability by the corpus network."""
    network = service.scorer.get().networks["corpus"]
    (found,) = service.models.run(network.probabilities, [roll]).tolist()
    return dict(zip(network.composers, found, strict=True))


def _drawn(title: str, roll: PianoRoll, words: str = "", meters: tuple[Meter, ...] = ()) -> Picture:
    text = " · ".join(filter(None, [words, _count_notes(roll)]))
    return Picture(title, roll, text, meters, caption=_DRAWN)


def _window_title(window: Window) -> str:
    return f"{window.piece.title} · {window_words(window, window.roll)}"


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def _count_notes(roll: PianoRoll) -> str:
    count = int(roll.onset.sum())
    return f"{count} note{'' if count == 1 else 's'}"
