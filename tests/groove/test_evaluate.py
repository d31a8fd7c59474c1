import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from drumkit_cli.errors import BadDataError, UnavailableError
from drumkit_cli.groove import data, electronic, evaluate
from drumkit_cli.groove.baselines.networks import GenreClassifier, OneStep
from drumkit_cli.groove.groover import Groover
from drumkit_cli.groove.model import Groove
from drumkit_cli.groove.network.prior import CodePrior
from drumkit_cli.groove.network.windowing import FEELS, GENRES
from drumkit_cli.groove.training.recipe import BASELINE_PRESETS, PRESETS
from drumkit_cli.learning.checkpoint import load_weights, save_weights
from drumkit_cli.learning.torch_network import state_dict
from tests.groove.tiny import named, write_tiny_baselines, write_tiny_dataset, write_tiny_groove
from tools.bundle_groove_baselines import bundle


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("groove")


@pytest.fixture(scope="module")
def dataset(folder):
    return write_tiny_dataset(folder / "data")


@pytest.fixture(scope="module")
def groover(folder):
    return Groover(load_weights("groove", str(write_tiny_groove(folder / "groove.safetensors"))))


@pytest.fixture(scope="module")
def baselines(folder):
    path = write_tiny_baselines(folder / "groove-baselines.safetensors")
    return evaluate.build_baselines(load_weights(evaluate.BASELINES, str(path)))


def test_the_table_has_a_row_for_each_of_the_papers(
    folder, dataset, groover, baselines, monkeypatch
):
    monkeypatch.setattr(evaluate, "shipped_folder", lambda: folder)
    table = evaluate.evaluate(dataset, str(folder / "groove.safetensors"))
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    for name, figures in evaluate.PAPER.items():
        assert tuple(rows[name, "paper"][:6]) == figures
        assert 0 <= rows[name, "ours"][5] <= 1
        if name != "test data":
            assert all(np.isfinite(x) for x in rows[name, "ours"][:5])
    assert ("2-step, one codebook", "ours") in rows


def test_electronic_templates_beside_the_data_are_played(folder, dataset, groover):
    assert electronic.describe(dataset, groover) == []
    hats = [1, 0, 0.5, 0] * 4
    entries = [
        {"source": f"made/{number}", "name": "one", "genre": "electronic", "steps": 16}
        | {"instruments": {"kick": np.roll([1] + [0] * 15, number).tolist(), "closed_hat": hats}}
        for number in range(16)
    ]
    (folder / "patterns").mkdir()
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (folder / "patterns" / "patterns.jsonl").write_text(lines)
    timing, notes, swing = electronic.describe(dataset, groover)
    assert "held-out electronic templates at the defaults" in timing
    assert "kicks and snares kept 1.000" in notes
    assert "swung: ratio 0.5" in swing or "swung: ratio 0.6" in swing


def test_missing_baselines_are_told(folder, dataset, groover, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "shipped_folder", lambda: tmp_path)
    with pytest.raises(UnavailableError, match="no baselines of groove"):
        evaluate.evaluate(dataset, str(folder / "groove.safetensors"))


def test_trends_and_genres_are_drawn(folder, dataset, groover, baselines, monkeypatch):
    monkeypatch.setattr(evaluate, "shipped_folder", lambda: folder)
    figure = evaluate.draw(dataset, str(folder / "groove.safetensors"))
    assert len(figure.axes) == 4


def test_other_baselines_are_bad_data(folder, groover):
    checkpoint = load_weights("groove", str(folder / "groove.safetensors"))
    with pytest.raises(BadDataError, match="weights of another groove"):
        evaluate.build_baselines(checkpoint)


def test_trends_are_by_genre(dataset):
    test = data.load(dataset, ("test",))["test"]
    windows = test.windows
    made = (windows.notes, windows.velocities, windows.timings)
    trends = evaluate.metrical_trends(made, test.genres)
    assert set(trends) == {"rock", "funk", "jazz"}
    for trend in trends.values():
        assert trend["velocity"].shape == trend["timing"].shape == (4, 2)
        assert 0 < trend["velocity"][0, 0] <= 1


@pytest.mark.parametrize("genre", [None, "funk"])
def test_every_template_of_a_genre_is_heard_as_some_genre(dataset, groover, baselines, genre):
    test = data.load(dataset, ("test",))["test"]
    confusion = evaluate.genre_confusion(groover, baselines.classifier, test, genre)
    counts = np.bincount(test.genres[test.genres >= 0], minlength=len(GENRES))
    assert np.array_equal(confusion.sum(1), counts)


def test_generated_performances_are_the_same_for_the_same_seed(dataset, groover):
    test = data.load(dataset, ("test",))["test"]
    first, again = (evaluate.generate(groover, test, "jazz") for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert first[0].shape == test.templates.shape


def test_feels_are_measured_in_milliseconds(dataset, groover):
    test = data.load(dataset, ("test",))["test"]
    late = evaluate.feel_milliseconds(groover, test)
    assert set(late) == set(FEELS)
    assert all(abs(value) < 62.5 for value in late.values())


def test_the_models_of_the_presets_make_the_file_of_baselines(tmp_path):
    tiny = {"width": 16, "skeleton_width": 8, "latent": 8, "codebook": 8}
    for name, preset in BASELINE_PRESETS.items():
        config = replace(PRESETS[preset].config, **tiny)
        networks = {
            "classifier": lambda _: {"classifier": GenreClassifier()},
            "one-step": lambda config: {"one-step": OneStep(config)},
            "two-step": lambda config: {"groove": Groove(config), "prior": CodePrior(config)},
        }[config.kind](config)
        path = tmp_path / f"{preset}.safetensors"
        card = {"data": name}
        save_weights(path, named(networks), feature="groove", config=asdict(config), card=card)
    checkpoint = load_weights(evaluate.BASELINES, str(bundle(tmp_path, tmp_path)))
    assert checkpoint.card["vae"] == {"data": "vae"}
    assert not any(".prior" in name or "prior." in name for name in state_dict(checkpoint))
    baselines = evaluate.build_baselines(checkpoint)
    assert baselines.vq.config.note_code == "vq"
    assert baselines.vae.config.note_code == "vae"
