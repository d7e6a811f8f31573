"""What is held out stays held out: no network reads a validation or test piece while it learns."""

import pytest

from prism.corpora.dataset import another_sample, corpus_sample, prompt_sample
from prism.corpora.prepared import Corpus
from prism.models.autoencoder import BeatAutoencoder
from prism.music.roll import Piece
from prism.similarity.bands import HELD_OUT
from prism.similarity.neighbours import TrainingIndex
from prism.training.amt import AMTStage
from prism.training.batches import WHOLE
from prism.training.presets import AMT_PRESETS, PRESETS, SIMILARITY_PRESETS
from prism.training.similarity import SimilarityStage
from prism.training.stages import AutoencoderStage, DiTStage

STEPS = 40


@pytest.fixture
def read(monkeypatch) -> set[str]:
    """Identifiers of the pieces whose notes were looked at: all music is read through windows."""
    seen: set[str] = set()
    window = Piece.window

    def watched(piece: Piece, *arguments, **named):
        seen.add(piece.identifier)
        return window(piece, *arguments, **named)

    monkeypatch.setattr(Piece, "window", watched)
    return seen


def stages(corpus: Corpus, folder):
    """Every stage of training, small."""
    recipe = PRESETS["smoke"]
    coder = BeatAutoencoder(latent_size=recipe.latent_size, hidden_size=recipe.hidden_size)
    yield AutoencoderStage(recipe, corpus)
    yield DiTStage(recipe, corpus, coder, folder)
    yield AMTStage(AMT_PRESETS["smoke"], corpus)
    yield SimilarityStage(SIMILARITY_PRESETS["smoke"], corpus)


def test_every_stage_learns_from_training_pieces_alone(corpus, read, tmp_path):
    allowed = {piece.identifier for piece in corpus.select("train")}
    for stage in stages(corpus, tmp_path):
        read.clear()  # while it was built, it set validation windows aside
        batches = [stage.draw(step, WHOLE) for step in range(STEPS)]
        stage.batch_loss(stage.network, batches[-1])
        assert read and read <= allowed, stage.name


def test_the_stored_split_holds_every_test_piece_out(bundled):
    sides = {name: {p.identifier for p in bundled.select(name)} for name in ("train", *HELD_OUT)}
    assert not sides["train"] & (sides["validation"] | sides["test"])
    assert not sides["validation"] & sides["test"]
    assert {p.identifier for p in TrainingIndex(bundled).pieces} == sides["train"]


def test_what_the_page_and_the_experiment_show_is_held_out(bundled):
    trained_on = {piece.identifier for piece in bundled.select("train")}
    for label in bundled.labels:
        for seed in range(5):
            shown = corpus_sample(bundled, [label], seed)
            others = [draw(bundled, shown, seed) for draw in (prompt_sample, another_sample)]
            assert not trained_on & {window.piece.identifier for window in (shown, *others)}
