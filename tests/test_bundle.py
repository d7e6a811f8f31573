"""What belongs to a bundle, what is refused by name, and which bundle a link is of."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest
from conftest import ROOT, make_piece, make_pipeline, random_weights
from stand_ins import OFFERED, Page, bundle_of, choice_of, service_of

from prism.amt.pipeline import AMTPipeline
from prism.cli import app
from prism.cli import main as command_line
from prism.corpora.prepared import Corpus
from prism.corpora.provenance import weights_digest
from prism.service.bundle import (
    DOCUMENTS,
    BundleError,
    main,
    open_bundle,
    parts_in,
    write_manifest,
)
from prism.service.links import query, read_query
from prism.service.service import load_service
from prism.similarity.networks import ComposerNetwork, CorpusFeatures
from prism.ui.page import build_ui

LABELS = ("Ada", "Bob", "Cleo")


def music(seed: int = 0) -> Corpus:
    sides = ("train", "validation", "test")
    pieces = [
        make_piece(f"{label}-{side}", label, seed=seed + i, source=f"my/{label}/{side}.mid")
        for i, label in enumerate(LABELS)
        for side in sides
    ]
    return Corpus(tuple(pieces), sides * len(LABELS), LABELS)


def make_bundle(folder, seed: int = 0):
    """A bundle of tiny networks whose records say that they learned from its corpus."""
    from test_amt_sampler import make_model

    music(seed).save(folder / "corpus")
    corpus, weights = Corpus.load(folder / "corpus"), folder / "weights"
    make_pipeline(seed).save_pretrained(weights)
    AMTPipeline(make_model()).save_pretrained(weights / "amt")
    network = random_weights(ComposerNetwork(labels=3, width=8, feature_size=16), seed)
    CorpusFeatures(network, list(LABELS)).save_pretrained(weights / "similarity")
    shutil.copy(ROOT / "weights" / "similarity" / "bands.json", weights / "similarity")
    for name in ("", "amt", "similarity"):
        record = json.dumps({"corpus_sha256": corpus.digest})
        (weights / name / "training.json").write_text(record)
    write_manifest(open_bundle(folder), corpus, "My music", "songs of mine")
    return folder


@pytest.fixture
def folder(tmp_path):
    return make_bundle(tmp_path / "mine")


def test_the_shipped_bundle_lists_what_is_shipped():
    """After a part was replaced: ``python -m prism.service.bundle``."""
    bundle = open_bundle()
    assert bundle.is_shipped and bundle.manifest.name == "music21"
    assert bundle.manifest.parts == parts_in(ROOT / "assets" / "corpus", ROOT / "weights")
    assert all(bundle.document(name) for name in DOCUMENTS)


def test_a_folder_is_a_bundle_with_name_terms_and_hashes(folder):
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    assert (manifest.name, manifest.music) == ("My music", "songs of mine")
    assert manifest.terms == ("made for the tests",)
    assert set(manifest.parts) == {"corpus", "prism", "profiles", "amt", "similarity", "bands"}
    assert manifest.parts["corpus"] == Corpus.load(folder / "corpus").digest
    assert manifest.parts["amt"] == weights_digest([folder / "weights" / "amt"])
    assert bundle.id.startswith("my-music-") and len(bundle.id) == len("my-music-") + 8
    service = load_service(bundle)
    for part in (service.pipeline, service.corpus, service.amt, service.scorer, service.index):
        part.get()
    assert service.composers == list(LABELS)


def test_the_id_is_that_of_the_notes(folder, tmp_path):
    first, other = open_bundle(folder), open_bundle(make_bundle(tmp_path / "other", seed=1))
    assert first.id != other.id
    (folder / "study.json").write_text("{}")
    main([str(folder)])
    assert open_bundle(folder).id == first.id


@pytest.mark.parametrize(
    ("network", "part"), [("", "pipeline"), ("amt", "amt"), ("similarity", "scorer")]
)
def test_a_network_of_another_corpus_is_refused_by_name_and_the_rest_works(folder, network, part):
    record = folder / "weights" / network / "training.json"
    record.write_text(json.dumps({"corpus_sha256": "f" * 64}))
    service = load_service(open_bundle(folder))
    names = {"": "Prism's weights", "amt": "the baseline's weights", "similarity": "music network"}
    with pytest.raises(BundleError, match=f"{names[network]}.*another corpus .SHA-256 ffff"):
        getattr(service, part).get()
    for other in {"pipeline", "amt", "scorer", "corpus"} - {part}:
        getattr(service, other).get()
    assert service.composers == list(LABELS)


@pytest.mark.parametrize("part", ["corpus", "weights/dit", "weights/similarity/bands.json"])
def test_a_part_of_another_bundle_is_refused_until_the_manifest_says_so(folder, tmp_path, part):
    other = make_bundle(tmp_path / "other", seed=1)
    place = folder / part
    if place.is_dir():
        shutil.rmtree(place)
        shutil.copytree(other / part, place)
    else:
        place.write_text(place.read_text() + " ")
    service = load_service(open_bundle(folder))
    loader = {"corpus": service.corpus, "weights/dit": service.pipeline}.get(part, service.scorer)
    with pytest.raises(BundleError, match="is not what bundle.json lists .SHA-256"):
        loader.get()


def test_without_a_manifest_the_parts_are_what_they_are(folder):
    wanted = open_bundle(folder).manifest.parts
    (folder / "bundle.json").unlink()
    bundle = open_bundle(folder)
    assert bundle.manifest.parts == wanted and bundle.manifest.name == "mine"


def test_other_weights_are_not_what_the_manifest_speaks_of(folder):
    assert set(open_bundle(folder).with_others(weights="x").manifest.parts) == {"corpus"}
    assert "amt" not in open_bundle(folder).with_others(amt="x").manifest.parts
    bundle = open_bundle().with_others(weights="somebody/model")
    with pytest.raises(BundleError, match="does not belong to Prism's weights of this page"):
        bundle.document("evaluation")


@pytest.mark.parametrize(
    ("made", "said"),
    [("", "no bundle at .*prism build"), ("bundle.json", "is damaged")],
)
def test_what_is_no_bundle_is_told_before_the_page_is_served(tmp_path, made, said, capsys):
    if made:
        (tmp_path / made).write_text("{")
    with pytest.raises(BundleError, match=said):
        open_bundle(tmp_path)
    with pytest.raises(SystemExit):
        app.main([str(tmp_path)])
    assert str(tmp_path) in capsys.readouterr().err


def test_a_link_carries_the_bundle(tmp_path):
    mine, settings = bundle_of(tmp_path), choice_of()
    parameters = [tuple(pair.split("=")) for pair in query(settings, mine.id).split("&")]
    assert parameters[-1] == ("bundle", mine.id)
    again = read_query(parameters, OFFERED, mine.id)
    assert again.complete and not again.faults and again.settings == settings
    for own, named in (("prism-1", "the shipped bundle"), ("x-1", 'the bundle "x-1"')):
        link = read_query(parameters, OFFERED, own)
        assert not link.complete and link.settings == settings
        (fault,) = link.faults
        assert fault.startswith(f'The link is of the bundle "{mine.id}", this page of {named}:')
    (fault,) = read_query(parameters[:-1], OFFERED, "x-1").faults
    assert "of the shipped bundle, this page" in fault


def test_a_link_of_other_weights_says_that_its_notes_have_changed():
    shipped = open_bundle()
    name, _, digest = shipped.id.rpartition("-")
    assert name == "prism" and len(digest) == 8
    (fault,) = read_query([("composers", "Ada"), ("bundle", "prism-0")], OFFERED, shipped.id).faults
    assert "made with other weights: its notes have changed" in fault
    student = shipped.manifest.parts | {"student": "0" * 64}
    manifest = dataclasses.replace(shipped.manifest, parts=student)
    assert dataclasses.replace(shipped, manifest=manifest).id != shipped.id
    older = read_query([("composers", "Ada")], OFFERED, shipped.id)
    assert older.complete and not older.bundle and not older.faults
    assert not read_query([("__theme", "dark")], OFFERED, "x-1").faults


def test_the_page_of_a_bundle_speaks_of_its_music(folder, tmp_path):
    service = service_of(bundle=open_bundle(folder))
    page = str(build_ui(service).get_config_file())
    assert "Prism · My music" in page and "trained on songs of mine" in page
    assert "(terms: “made for the tests”)" in page
    assert "music21" not in page and "A Bach chorale" not in page
    assert "evaluation.json is missing" in page
    visit = Page(service)
    (link, *_) = visit.begin()
    assert link["query"].endswith(f"&bundle={service.bundle.id}")


def test_commands_take_a_bundle(folder, tmp_path, capsys):
    out = tmp_path / "out"
    bundle = ["--bundle", str(folder), "--output", str(out), "--num-inference-steps", "2"]
    assert command_line(["generate", "Ada", *bundle, "--seed", "3"]) == 0
    assert len(list(out.glob("prism-Ada-seed-3-*.mid"))) == 1
    assert command_line(["compare", "Bob", *bundle, "--seed", "4"]) == 0
    assert "seed 4: prism, corpus:" in capsys.readouterr().out
    assert command_line(["generate", "Bach", *bundle]) == 2
    assert "composers: expected some of Ada, Bob, Cleo" in capsys.readouterr().err
