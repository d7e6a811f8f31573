"""Prism without a page: settings in, pieces, scores and files out, stage by stage.

The page, the HTTP API, ``prism compare`` and the stored examples all get their pieces here.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from prism.corpora.prepared import Corpus
from prism.corpora.sharded import ShardedCorpus
from prism.models.edits import YOURS
from prism.models.hub import find_weights
from prism.models.setting_types import Offered, SettingError
from prism.models.settings import PUBLIC_OTHERS, SETTINGS, GenerationSettings
from prism.music.windows import cut
from prism.service.bundle import NETWORKS, Bundle, open_bundle
from prism.service.describe import Description, describe
from prism.service.examples import StoredExamples, load_examples, read_examples
from prism.service.loading import (
    Loader,
    load_amt,
    load_index,
    load_pipeline,
    load_scorer,
)
from prism.service.log import note_piece
from prism.service.piece import ShownPiece
from prism.service.scheduler import Priority, Scheduler
from prism.service.session import COMPARED, Generation, Session
from prism.service.sources import (
    STOPPED,
    BaselineSource,
    CorpusSource,
    PrismSource,
    Progress,
    RecentResults,
    Source,
)
from prism.service.takes import Take

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTPipeline
    from prism.models.pipeline import PrismPipeline
    from prism.music.roll import PianoRoll
    from prism.service.upload import OwnPiece
    from prism.similarity.neighbours import TrainingIndex
    from prism.similarity.scorer import Score, SimilarityScorer

RECENT_RESULTS = 96


@dataclasses.dataclass(eq=False)
class Service:
    """Makes the pieces for all visitors.

    Parameters
    ----------
    pipeline, corpus, amt, scorer, index : Loader
        The model, real music, the baseline, what compares pieces, and what finds the nearest
        training music.
    models : Scheduler
        Where the models work; sound is made and the training music searched beside them, in
        `files`.
    examples : Loader of dict
        Results that were made before, as `load_examples` gives them.
    weights : Loader of Path
        Their folder, with the records of their training.
    bundle : Bundle
        Where all of this and the page's documents come from; the shipped one by default.
    withheld : str
        Why the notes of real pieces stay on the server; empty if they need not.

    Attributes
    ----------
    stored : StoredExamples
        The bundle's, whatever they were made with.
    """

    pipeline: Loader[PrismPipeline]
    corpus: Loader[Corpus | ShardedCorpus]
    amt: Loader[AMTPipeline]
    scorer: Loader[SimilarityScorer]
    index: Loader[TrainingIndex]
    models: Scheduler = dataclasses.field(default_factory=Scheduler)
    examples: Loader[Mapping[tuple, ShownPiece]] = Loader(dict)
    weights: Loader[pathlib.Path] = Loader(lambda: pathlib.Path(open_bundle().weights))
    bundle: Bundle = dataclasses.field(default_factory=open_bundle)
    withheld: str = ""

    def __post_init__(self) -> None:
        self.stored: StoredExamples = read_examples(self.bundle.path("examples"), self.withheld)
        self.files = Scheduler("prism-files")
        prism = PrismSource(self.pipeline, self.models, self.amt, self.fill)
        real = CorpusSource(self.corpus, self.withheld)
        baseline = BaselineSource(self.amt, real, prism, self.models)
        self.sources: dict[str, Source] = {s.name: s for s in (prism, real, baseline)}
        self._recent: RecentResults[ShownPiece] = RecentResults(RECENT_RESULTS)

    @property
    def offered(self) -> Offered:
        """What can be chosen: what the model knows, the corpus's labels if there is no model.

        Raises
        ------
        ValueError, OSError
            The model's complaint if neither can be loaded.
        """
        try:
            return self.pipeline.get().offered
        except (ValueError, OSError) as model_error:
            try:
                return Offered(list(self.corpus.get().labels), {})
            except (ValueError, OSError):
                raise model_error from None

    @property
    def composers(self) -> list[str]:
        """The labels of `offered`; raises as it."""
        return self.offered.composers

    def settings(self, **values: Any) -> GenerationSettings:
        """Check what was chosen, by public names, with what can be chosen."""
        return GenerationSettings.read(values, self.offered)

    def describe(self, words: str) -> Description:
        """The settings that a line of words asks for, of those that can be chosen."""
        return describe(words, self.offered)

    def read(
        self, composers: Sequence[str] | None, weights: Mapping[str, Any], *others: Any
    ) -> GenerationSettings:
        """Check the page's controls: the composers, weights of some, and the settings in order."""
        most = SETTINGS["composers"].most
        if not composers:
            raise ValueError(
                f"No composer is chosen: choose 1 to {most} under Composers, then press Generate."
            )
        usual = SETTINGS["composer_weights"].default
        shares = [weights.get(name, usual) for name in composers]
        named = dict(zip(PUBLIC_OTHERS, others, strict=False))
        return self.settings(composers=composers, weights=shares, **named)

    def owned(self, settings: GenerationSettings, own: OwnPiece | None) -> GenerationSettings:
        """With the very file of which bars are kept, if they are a visitor's own.

        Raises
        ------
        SettingError
            If it is not there: no link carries it.
        """
        kept = settings.kept
        if kept is None or kept.source != YOURS:
            return settings
        if own is None or kept.file not in ("", own.token):
            expected = (
                "bars of your own MIDI file, which links do not carry: choose it under Your own "
                "MIDI file, at the same bar, or empty Kept bars under More settings; programs send "
                "it to /continued"
            )
            raise SettingError("keep", expected, settings.keep)
        return dataclasses.replace(settings, keep=str(kept._replace(file=own.token)))

    def fill(
        self,
        name: str,
        settings: GenerationSettings,
        kept: ShownPiece | None = None,
        own: OwnPiece | None = None,
    ) -> Iterator[Progress]:
        """Make a source's piece, or take it from the recent results or the stored examples.

        Something comes at least every `HEARTBEAT_SECONDS` while a model works, even if nothing is
        new: whoever iterates can stop only between two items. `kept` is the very piece, made
        before, without its files; `own` is the visitor's, of which bars may be kept.
        """
        if settings.key_for(name) != settings.single.key_for(name):
            settings = self.owned(settings, own)
        source, key = self.sources[name], settings.key_for(name)
        stored = self.examples.get() if self.examples.ready else {}
        piece, begun = self._recent.get(key) or stored.get(key), None
        note_piece(cached=piece is not None)
        said = "Ready. Press play."
        if piece is None:
            mine = own and own.shown(settings.tempo)
            for progress in [Progress(kept)] if kept else source.stages(settings, mine):
                piece = progress.piece or piece
                begun = begun or self._begun(progress, settings)
                yield progress.with_sound_of(begun)
            self._recent.put(key, piece)
            said = f"Done: {len(piece.roll.notes())} notes. Press play."
            if name == "prism" and (settings.keep or settings.redraw):
                said += " New seed begins a piece without kept or redrawn bars."
        if settings.program != piece.program:
            sounding = *key, settings.program
            piece = self._recent.get(sounding) or piece.played_on(settings.program)
            self._recent.put(sounding, piece)
        yield Progress(self._with_files(piece, source), said, done=True)
        del begun  # not before: the page plays its files until it has those of the whole

    def _begun(self, progress: Progress, settings: GenerationSettings) -> ShownPiece | None:
        """With its sound, what can be heard of a piece that goes on."""
        if not progress.playable:
            return None
        played = progress.piece.played_on(settings.program)
        # Beside the models, which draw on meanwhile.
        return self.files.run(played.render, priority=Priority.GENERATE)

    def fill_for(self, session: Session, name: str) -> Iterator[Progress]:
        """Fill a source's place in a session's latest generation.

        It ends when that is over, or another piece is wanted there; with an item without news, as a
        generator without items empties a player. Once it is stopped, no more is drawn or written:
        what was complete by then still gets its files, and the rest is left as it is. The real
        piece is only looked up, so there is nothing to stop.
        """
        generation = session.generation
        settings, own = generation.settings, generation.own if name == "corpus" else None
        if own is not None:
            news = self.own_piece(own, settings)
        else:
            news = self.fill(name, settings, session.history.kept(name, settings), generation.own)
        shown = None
        for progress in news:
            replaced = name == "corpus" and generation.own is not own
            if generation.over or replaced:
                yield Progress()
                return
            if generation.stopped and name != "corpus" and not progress.done:
                yield Progress(shown, STOPPED, stopped=True)
                return
            shown = progress.piece or shown
            if progress.done:
                generation.pieces[name] = progress.piece
            yield progress

    def own_piece(self, own: OwnPiece, settings: GenerationSettings | None) -> Iterator[Progress]:
        """Show a visitor's own music; nobody else's fill finds it."""
        piece = own.shown(settings.tempo).played_on(settings.program) if settings else own.shown()
        yield Progress(piece)
        yield Progress(self.files.run(piece.render, priority=Priority.GENERATE), done=True)

    def replayed(self, piece: ShownPiece, settings: GenerationSettings) -> ShownPiece:
        """The same music on the instrument that the settings ask for, with its files."""
        played = piece.played_on(settings.program)
        return self.files.run(played.render, priority=Priority.GENERATE)

    def scores(self, pieces: Mapping[str, ShownPiece]) -> dict[str, list[Score]]:
        """How much like the real piece the generated ones among them are, a score a network.

        Of longer pieces the first 64 beats count.
        """
        rolls = {name: cut(pieces[name].roll, 0) for name in COMPARED if name in pieces}
        score = self.scorer.get().scores
        return self.models.run(score, pieces["corpus"].roll, rolls, priority=Priority.SCORE)

    def score(self, generation: Generation) -> None:
        """Score the generated pieces that are there and have no score yet."""
        with generation.scoring:
            if generation.over or not (names := generation.unscored):
                return
            real = generation.pieces["corpus"]
            found = self.scores({n: generation.pieces[n] for n in ("corpus", *names)})
            # Another piece to compare with may have come meanwhile, and its scores come after it.
            now = generation.pieces.get("corpus")
            if now is not None and now.roll is real.roll:
                generation.scores |= found

    def find_nearest(self, generation: Generation) -> Iterator[str]:
        """Look for the training music nearest to each piece; the names of those that were found."""
        for name in generation.unplaced:
            with generation.searching:
                if generation.over:
                    return
                if name not in generation.neighbours:
                    search, roll = self.index.get().nearest, cut(generation.pieces[name].roll, 0)
                    found = self.files.run(search, roll, priority=Priority.NEAREST)
                    generation.neighbours[name] = found
            yield name

    def draw_takes(self, settings: GenerationSettings) -> Iterator[list[Take]]:
        """Draw all takes of a setting as one batch; nothing in an item while it goes on."""
        for rolls in self.sources["prism"].takes(settings):
            yield [Take(*pair) for pair in zip(settings.takes, rolls or (), strict=False)]

    def measured(self, takes: Sequence[Take], real: PianoRoll | None = None) -> list[Take]:
        """The takes with their figures; `real` is compared with, the corpus's piece by default."""
        if real is None:
            real = self.sources["corpus"].piece(takes[0].settings).roll
        scorer, index, rolls = self.scorer.get(), self.index.get(), [take.roll for take in takes]
        network = scorer.networks["corpus"]
        asked = [network.composers.index(name) for name in takes[0].settings.composers]
        compared = self.models.run(
            scorer.scores, real, dict(enumerate(rolls)), priority=Priority.SCORE
        )
        sure = self.models.run(network.probabilities, rolls, priority=Priority.SCORE)[:, asked]
        found = []
        for place, take in enumerate(takes):
            cosine = next(s.cosine for s in compared[place] if s.network == network.name)
            near = self.files.run(index.nearest, take.roll, priority=Priority.NEAREST).overlap
            figures = {"real": cosine, "training": near, "network": float(sure[place].sum())}
            found.append(dataclasses.replace(take, figures=figures))
        return found

    def _with_files(self, piece: ShownPiece, source: Source) -> ShownPiece:
        """With its sound: Prism's at once, in the models' thread, and the others' after it."""
        if source.priority == Priority.GENERATE:
            return self.models.run(piece.render, priority=source.priority)
        self.models.give_way(source.priority)
        return self.files.run(piece.render, priority=source.priority)


def load_service(bundle: Bundle, withheld: str = "") -> Service:
    """A service of which each part is loaded when it is first asked for.

    `withheld` is that of `Service`. A network that does not belong to the bundle's corpus is
    refused then, and the rest works.
    """
    models = Scheduler()
    folder = Loader(lambda: find_weights(bundle.weights).resolve())
    music = Loader(bundle.checked_corpus)

    def checked(network: str) -> pathlib.Path:
        return bundle.checked(network, folder.get() / NETWORKS[network][0], music)

    baseline = Loader(lambda: bundle.amt or checked("amt"))
    service = Service(
        Loader(lambda: load_pipeline(checked("prism")), models),
        music,
        Loader(lambda: load_amt(baseline.get()), models),
        Loader(lambda: load_scorer(checked("similarity"), music), models),
        Loader(partial(load_index, music)),
        models,
        weights=folder,
        bundle=bundle,
        withheld=withheld,
    )
    service.examples = Loader(
        lambda: load_examples(
            service.stored, folder.get(), bundle.amt or folder.get() / "amt", music
        )
    )
    return service
