"""Patterns folded, found and split."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.patterns import pattern_sets
from drumkit_cli.patterns.genres import GENRES
from drumkit_cli.patterns.pattern_sets import (
    PATTERN_STEPS,
    SPLITS,
    composed,
    fold,
    load_patterns,
    split_of,
)
from tests.contract.midi_files import file, meter, track

KICK, SNARE, CLOSED_HAT, OPEN_HAT, RIMSHOT, COWBELL = range(6)


COMPOSED = list(composed())


@pytest.fixture(autouse=True)
def composed_once(monkeypatch):
    """Composing all of the corpus takes a second, and gives the same each time."""
    monkeypatch.setattr(pattern_sets, "composed", lambda: COMPOSED)


def ramp(steps):
    """A grid whose every sixteenth is another: [6, T]."""
    return np.tile((1 + np.arange(steps, dtype=np.float32)) / steps, (6, 1))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (16, [[*range(16)] * 4]),
        (32, [[*range(32)] * 2]),
        (48, [[*range(48), *range(16)]]),
        (64, [[*range(64)]]),
        (80, [[*range(64)], [*range(64, 80)] * 4]),
        (112, [[*range(64)], [*range(64, 112), *range(64, 80)]]),
        (128, [[*range(64)], [*range(64, 128)]]),
    ],
)
def test_short_grids_repeat_and_long_ones_become_windows(steps, expected):
    velocities = ramp(steps)
    np.testing.assert_array_equal(fold(velocities)[:, 0], velocities[0][np.array(expected)])


def test_a_grid_is_filled_up_to_whole_measures_first():
    made = fold(np.ones((6, 5), np.float32))
    np.testing.assert_array_equal(made[0, 0].reshape(4, 16)[:, :5], 1)
    np.testing.assert_array_equal(made[0, 0].reshape(4, 16)[:, 5:], 0)


@settings(deadline=None)
@given(st.integers(0, 300))
def test_folding_loses_no_hit_of_a_grid(steps):
    velocities = np.arange(1, steps + 1, dtype=np.float32)[None]
    made = fold(velocities)
    assert made.shape == (max(-(-steps // PATTERN_STEPS), 1), 1, PATTERN_STEPS)
    assert set(velocities.flat) <= set(made.flat)
    assert set(made.flat) <= {0, *velocities.flat}


def test_a_split_is_that_of_its_source_for_ever():
    sources = [f"source/{number}" for number in range(2000)]
    shares = {split: sum(split_of(s) == split for s in sources) / 2000 for split in SPLITS}
    assert 0.07 < shares["test"] < 0.13
    assert 0.07 < shares["validation"] < 0.13
    assert [split_of(f"composer/techno/{n}") for n in (1, 2, 3)] == ["train", "train", "train"]


def test_the_composers_families_are_in_one_split_each():
    splits = {}
    for pattern in COMPOSED:
        assert pattern.kind == "composed"
        splits.setdefault(pattern.source, set()).add(pattern.split)
    assert sum(genre.count for genre in GENRES.values()) == len(COMPOSED)
    assert all(len(found) == 1 for found in splits.values())
    assert {split for found in splits.values() for split in found} == set(SPLITS)


def onsets(*notes):
    return [(24 * step, pitch, velocity) for step, pitch, velocity in notes]


def write(path, *arguments, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file(track(*arguments, **options)))


def loaded(folder, source):
    """The patterns of a source, [N, 6, 64], and their kinds and splits."""
    found = load_patterns(folder)
    chosen = [index for index, name in enumerate(found.sources) if name == source]
    return (
        found.velocities[chosen],
        {found.kinds[index] for index in chosen},
        {found.splits[index] for index in chosen},
    )


def test_any_folder_of_midi_files_will_do(tmp_path):
    write(tmp_path / "a" / "one.mid", onsets((1, 36, 127), (6, 56, 64)))
    write(tmp_path / "waltz.mid", onsets((2, 36, 100)), head=meter(3, 4))
    write(tmp_path / "toms.mid", onsets((2, 45, 100)))
    (tmp_path / "junk.mid").write_bytes(b"junk")
    found = load_patterns(tmp_path)
    assert set(found.kinds) == {"composed", "other"}
    velocities, kinds, splits = loaded(tmp_path, "a/one.mid")
    assert velocities.shape == (1, 6, 64)
    assert velocities[0, KICK, 1] == velocities[0, KICK, 49] == 1
    assert velocities[0, COWBELL, 6] == pytest.approx(64 / 127)
    assert (kinds, splits) == ({"other"}, {split_of("a/one.mid")})
    assert not set(found.sources) & {"waltz.mid", "toms.mid", "junk.mid"}


@pytest.mark.parametrize("holds", [[], ["junk.mid"]])
def test_a_folder_without_patterns_is_told(tmp_path, holds):
    for name in holds:
        (tmp_path / name).write_bytes(b"junk")
    with pytest.raises(MissingInputError, match="no drum patterns; give MIDI files in 4/4"):
        load_patterns(tmp_path)


def row(name, steps, genre="electronic-house", source="here", **instruments):
    values = {
        instrument: [level if step in at else 0 for step in range(steps)]
        for instrument, (at, level) in instruments.items()
    }
    line = {"source": source, "genre": genre, "name": name, "steps": steps}
    return json.dumps({**line, "instruments": values}) + "\n"


def test_step_sequences_are_read_by_their_instruments(tmp_path):
    (tmp_path / "patterns").mkdir()
    (tmp_path / "patterns" / "patterns.jsonl").write_text(
        row("Beat1a", 16, kick=([0, 7], 1), clap=([4], 0.5), snare=([4], 0.25), tom_low=([9], 1))
        + row("Beat1b", 32, ride=([1], 1), crash=([3], 1), rim=([5], 1), cow=([7], 1))
        + row("Beat 2", 12, kick=([0], 1))
        + row("Rock: x", 16, genre="rock", source="mma", kick=([3, 5], 7.0))
    )
    velocities, kinds, splits = loaded(tmp_path, "here/Beat")
    assert len(velocities) == 2
    assert (kinds, len(splits)) == ({"electronic"}, 1)
    one, two = sorted(velocities, key=lambda pattern: -pattern[KICK].sum())
    assert set(zip(*np.nonzero(one[:, :16]), strict=True)) == {(KICK, 0), (KICK, 7), (SNARE, 4)}
    assert one[SNARE, 4] == 0.5
    np.testing.assert_array_equal(one[:, 16:32], one[:, :16])
    assert set(zip(*np.nonzero(two[:, :32]), strict=True)) == {
        (CLOSED_HAT, 1),
        (OPEN_HAT, 3),
        (RIMSHOT, 5),
        (COWBELL, 7),
    }
    rock, kinds, _ = loaded(tmp_path, "mma/Rock")
    assert kinds == {"other"}
    assert rock.max() == 1


def test_performances_keep_the_published_split_and_their_session(tmp_path):
    rows = ["midi_filename,session,time_signature,split"]
    for number, (session, meter_name, split) in enumerate(
        [("d1/s1", "4-4", "test"), ("d1/s1", "4-4", "test"), ("d2/s1", "3-4", "train")]
    ):
        rows.append(f"{number}.mid,{session},{meter_name},{split}")
        write(tmp_path / "groove" / f"{number}.mid", onsets((number, 22, 90), (11, 26, 70)))
    (tmp_path / "groove" / "info.csv").write_text("\n".join(rows))
    velocities, kinds, splits = loaded(tmp_path, "d1/s1")
    assert len(velocities) == 2
    assert velocities[:, CLOSED_HAT].any()
    assert velocities[:, OPEN_HAT].any()
    assert (kinds, splits) == ({"played"}, {"test"})
    assert "d2/s1" not in load_patterns(tmp_path).sources


def test_a_style_is_one_source_whatever_part_or_collection_it_stands_in(tmp_path):
    folder = tmp_path / "bands-midi"
    style = "mma-grooves/midi/stdlib/bossa"
    parts = (f"{style}/a.mid", f"{style}/b.mid", "song.mid")
    rows = ["path,split", *(f"{path},test" for path in parts)]
    for number, path in enumerate(parts):
        write(folder / path, onsets((number, 36, 90), (13, 38, 70)))
    (folder / "index.csv").write_text("\n".join(rows))
    (tmp_path / "patterns").mkdir()
    line = {"source": "mma-lib", "genre": "latin", "name": "stdlib/bossa:Intro", "steps": 16}
    line["instruments"] = {"kick": [1] + 15 * [0], "snare": 7 * [0] + 9 * [1]}
    (tmp_path / "patterns" / "patterns.jsonl").write_text(json.dumps(line) + "\n")
    velocities, _, splits = loaded(tmp_path, "mma/stdlib/bossa")
    assert len(velocities) == 3
    assert splits == {"test"}
    assert len(loaded(tmp_path, "song.mid")[0]) == 1


def test_of_patterns_with_the_same_onsets_one_stays_and_train_has_it(tmp_path):
    folder = tmp_path / "bands-midi"
    for name in ("a", "b"):
        write(folder / f"{name}.mid", onsets((3, 36, 90 if name == "a" else 50), (13, 38, 70)))
    (folder / "index.csv").write_text("path,split\na.mid,test\nb.mid,train\n")
    found = load_patterns(tmp_path)
    assert "b.mid" in found.sources
    assert "a.mid" not in found.sources


def test_patterns_are_chosen_by_split_and_kind(tmp_path):
    write(tmp_path / "a.mid", onsets((3, 36, 90)))
    found = load_patterns(tmp_path)
    assert sum(len(found.where(split)) for split in SPLITS) == len(found.velocities)
    assert len(found.where(split_of("a.mid"), "other")) == 1
    assert len(found.where("train", "played")) == 0
    assert found.velocities.dtype == np.float32


@pytest.mark.slow
def test_the_patterns_of_the_data_are_distinct_and_split_by_source():
    data = os.environ.get("DRUMKIT_DATA")
    if not data:
        pytest.skip("DRUMKIT_DATA names no data folder")
    found = load_patterns(Path(data))
    assert set(found.kinds) == {"composed", "electronic", "other", "played"}
    assert found.velocities.shape[1:] == (6, 64)
    assert found.velocities.min() >= 0
    assert found.velocities.max() <= 1
    keys = {np.packbits(pattern > 0).tobytes() for pattern in found.velocities}
    assert len(keys) == len(found.velocities)
    splits = {}
    for source, split, kind in zip(found.sources, found.splits, found.kinds, strict=True):
        if kind != "played":  # the published split divides sessions
            splits.setdefault(source, set()).add(split)
    assert [source for source, among in splits.items() if len(among) > 1] == []


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1, 2]",
        "null",
        "{}",
        json.dumps({"steps": 16}),
        json.dumps(dict.fromkeys(("source", "name", "genre", "steps", "instruments"), 16)),
        row("Beat", 16).replace("16", "1000000000000"),
        row("Beat", -16),
        row("Beat", 16, kick=([0], float("nan"))),
        row("Beat", 16).replace("16", '"many"'),
        "\N{BEL}" * 4,
    ],
)
def test_a_broken_line_of_patterns_is_named(tmp_path, line):
    (tmp_path / "patterns").mkdir()
    lines = row("Beat", 16, kick=([0], 1)) + line.strip() + "\n"
    (tmp_path / "patterns" / "patterns.jsonl").write_text(lines)
    with pytest.raises(BadDataError, match=r"patterns\.jsonl: line 2 is not a pattern"):
        load_patterns(tmp_path)


def test_tracker_modules_have_one_split_and_only_grade_a_is_trained_on(tmp_path):
    for name in ("patterns-modules", "modules-midi"):
        (tmp_path / name).mkdir()
    lines = []
    rows = ["path,module,grade,split"]
    for number, (grade, split) in enumerate([("A", "validation"), ("B", "train"), ("C", "train")]):
        line = json.loads(row("x order 0", 16, source=f"modules/{grade}", kick=([number, 9], 1)))
        lines.append(json.dumps({**line, "grade": grade}) + "\n")
        rows.append(f"{grade}.mid,{grade},{grade},{split}")
        hits = onsets((number, 36, 90), (12, 38, 70))
        write(tmp_path / "modules-midi" / f"{grade}.mid", hits)
    (tmp_path / "patterns-modules" / "patterns.jsonl").write_text("".join(lines))
    (tmp_path / "modules-midi" / "index.csv").write_text("\n".join(rows))
    for grade, split in {"A": "validation", "B": "test", "C": "test"}.items():
        velocities, kinds, splits = loaded(tmp_path, f"modules/{grade}")
        assert (len(velocities), kinds, splits) == (2, {"electronic"}, {split})
