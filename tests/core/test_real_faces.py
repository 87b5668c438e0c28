"""Placeholders stand for photographs: a trial on them is the trial on the photographs."""

from __future__ import annotations

import dataclasses
import re

import pandas
import pytest
import torch

from poisonlib import provenance, real_faces
from poisonlib.attacks import Unperturbed
from poisonlib.defenses import ConfidenceThreshold, Top2
from poisonlib.extractors import embed
from poisonlib.real_faces import Contents, numbers, placeholders
from poisonlib.recognition import Linear, NearestNeighbour
from poisonlib.trial import Trial, cloak_user, grid, split
from tests.core.conftest import Negative, toy_extractor, toy_photos

ORIGIN = provenance.of_run("by hand", seed=0, seconds=1)
USERS = (1, 3)


class Brightness(torch.nn.Module):
    def forward(self, images):
        return images.mean(dim=1).square().flatten(1)


FAMILY = {"dlib-2017": toy_extractor(), "edgeface-2023": toy_extractor(Brightness())}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A file of toys, and the photographs that it was made from."""
    gallery, public = toy_photos(6), toy_photos(4, seed=1)
    test = split(gallery.labels, seed=0)
    source = torch.cat([torch.nonzero((gallery.labels == u) & ~test)[:, 0] for u in USERS])
    crafted = torch.cat(
        [cloak_user(Negative(), gallery, user, test=test, seed=0).images for user in USERS]
    )
    everything = [gallery.images, crafted, public.images]
    contents = Contents(
        labels=(gallery.labels, public.labels + 6),
        cloaked={"LowKey": (source, torch.full((len(source), 3), 0.25))},
        embeddings={
            name: torch.cat([embed(by, images) for images in everything])
            for name, by in FAMILY.items()
        },
        scores={"clean": torch.zeros(len(gallery)), "LowKey": torch.ones(len(source))},
        cards={name: dataclasses.replace(by.card, name=name) for name, by in FAMILY.items()},
    )
    path = tmp_path_factory.mktemp("faces") / "faces.safetensors"
    real_faces.write(contents, ORIGIN, path)
    return path, gallery


def table_of(cases, photos, users) -> pandas.DataFrame:
    found = grid(cases, photos, users=users, seed=0)
    return found[["extractor", "recogniser", "condition", "whose", "errors", "n"]]


def test_a_trial_on_placeholders_is_the_trial_on_the_photographs(written) -> None:
    path, gallery = written
    faces = real_faces.load(path)
    assert faces.users == ("LFW 01", "LFW 03") and faces.provenance == ORIGIN
    own, seen = [], []
    for name, network in FAMILY.items():
        for kind in (NearestNeighbour, Linear):
            about = {"extractor": name}
            own.append(Trial(Negative(), network, kind, columns=about))
            seen.append(Trial(faces.tools["LowKey"], faces.extractors[name], kind, columns=about))
    theirs = table_of(own, gallery, list(USERS))
    ours = table_of(seen, faces.photos, faces.users)
    pandas.testing.assert_frame_equal(ours, theirs)
    fooled = ours[(ours["condition"] == "cloaked") & (ours["whose"] == "user")]
    assert fooled["errors"].max() > 0 == fooled["errors"].min(), "one extractor sees through it"


def test_two_models_run_on_placeholders(written) -> None:
    faces = real_faces.load(written[0])
    accurate, robust = (faces.extractors[name] for name in FAMILY)
    for two in (Top2.over(robust), ConfidenceThreshold.over(robust, threshold=0.1)):
        result = Trial(faces.tools["LowKey"], accurate, two).run(
            faces.photos, users=faces.users, seed=0
        )
        assert result.table.query("condition == 'cloaked'")["error"].max() < 1


def test_measures_and_scores_come_back(written) -> None:
    faces = real_faces.load(written[0])
    cloak = cloak_user(
        faces.tools["LowKey"], faces.photos, 1, test=split(faces.photos.labels, seed=0), seed=0
    )
    assert (cloak.dssim == 0.25).all() and len(cloak) == 7
    assert faces.scores["LowKey"].tolist() == [1.0] * 14
    assert len(faces.public) == 40 and set(faces.public.people) & set(faces.photos.people) == set()


def test_a_number_survives_as_a_colour() -> None:
    every = torch.tensor([0, 1, 255, 256, 65_535, 65_536, 2**24 - 1])
    assert torch.equal(numbers(placeholders(every)), every)


def test_what_is_no_placeholder_is_refused(written) -> None:
    faces = real_faces.load(written[0])
    stored = faces.extractors["dlib-2017"]
    with pytest.raises(ValueError, match="computes none; use extractors.load"):
        stored(torch.rand(2, 3, 112, 112))
    with pytest.raises(ValueError, match="computes none"):
        stored(placeholders(torch.tensor([10_000])))
    with pytest.raises(ValueError, match="is none of the 14 clean ones"):
        cloak_user(
            faces.tools["LowKey"], faces.photos, 0, test=split(faces.photos.labels, seed=0), seed=0
        )


def test_a_damaged_file_is_named(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="no embeddings of real faces"):
        real_faces.load(tmp_path / "none")
    (tmp_path / "half").write_bytes(b"half a file")
    with pytest.raises(ValueError, match="half is not a whole file of embeddings"):
        real_faces.load(tmp_path / "half")


def test_the_packaged_people_have_numbers_and_no_names() -> None:
    faces = real_faces.load()
    everybody = {*faces.photos.names, *faces.public.names}
    assert all(re.fullmatch(r"LFW \d\d", name) for name in everybody)
    assert len(faces.users) == 20 and faces.photos.images.shape[1:] == (3, 1, 1)


def test_real_recognisers_know_real_people_and_ours_do_not() -> None:
    faces = real_faces.load()
    errors = {}
    for name in ("dlib-2017", "softmax-2014"):
        trial = Trial(Unperturbed(), faces.extractors[name])
        embeddings = embed(faces.extractors[name], faces.photos.images)
        test = split(faces.photos.labels, seed=0)
        nearest = NearestNeighbour(trial.extractor)
        nearest.fit_embeddings(embeddings[~test], faces.photos.labels[~test])
        found = nearest.predict_embeddings(embeddings[test])
        errors[name] = float((found != faces.photos.labels[test]).float().mean())
    assert errors["dlib-2017"] < 0.05 and errors["softmax-2014"] > 0.4
