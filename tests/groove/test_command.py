"""The command itself; what all commands share is in the contract."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from drumkit_cli import cli
from drumkit_cli.groove.command import Genre
from drumkit_cli.groove.inputs.groove_file import extract_groove, read_groove
from drumkit_cli.groove.inputs.performance import FEEL_VALUES
from drumkit_cli.groove.network.windowing import FEELS, GENRES, VOICE_OF_PITCH
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import empty_track
from tests.contract import midi_files
from tests.groove.tracks import ENVIRONMENT, STEP, beat, performance


@pytest.fixture
def groove(weights, tmp_path, monkeypatch):
    """Run the command in this process on a beat; gives the bytes of what it made."""
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(weights))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beat.mid").write_bytes(beat())

    def run(*arguments, inputs=("beat.mid",), name="out.mid", status=0):
        line = ["groove", *map(str, inputs), *map(str, arguments), "-o", name]
        assert cli.run(line) == status
        made = tmp_path / name
        return made.read_bytes() if status == 0 and made.is_file() else b""

    return run


def rows(data):
    return [(n.onset_ticks, n.pitch, n.velocity) for n in read_midi(data, "a.mid").notes]


def test_options_name_what_the_model_knows():
    assert [genre.replace("-", " ") for genre in Genre] == list(GENRES)
    assert tuple(FEEL_VALUES) == FEELS


@pytest.mark.parametrize("measures", [1, 2, 3, 7, 70])
def test_a_track_of_any_length_keeps_its_length_tempo_and_other_drums(groove, tmp_path, measures):
    (tmp_path / "beat.mid").write_bytes(beat(measures, 97.5))
    before = read_midi(beat(measures, 97.5), "before")
    after = read_midi(groove(), "after")
    assert after.end_ticks == before.end_ticks
    assert after.tempi == before.tempi
    onsets = [note.onset_ticks for note in after.notes]
    assert onsets == sorted(onsets)
    for track in (before, after):
        others = [note for note in track.notes if note.pitch not in VOICE_OF_PITCH]
        assert [(n.pitch, n.velocity) for n in others] == [(56, 100), (63, 100)] * measures
        assert all(note.onset_ticks % STEP == 0 for note in others)


def test_an_amount_of_0_gives_the_template_byte_for_byte(groove):
    assert groove("--amount", 0, "--no-provenance") == beat()
    assert groove("--amount", 0, "--keep-notes", "--no-provenance") == beat()


@pytest.mark.parametrize("amount", [0.6, 1])
def test_kept_notes_get_dynamics_and_timing_alone(groove, amount):
    made = groove("--keep-notes", "--amount", amount, "--dynamics", 1)
    before, after = performance(beat()), performance(made)
    np.testing.assert_array_equal(after.velocities > 0, before.velocities > 0)
    assert np.ptp(after.velocities[after.velocities > 0]) > 0
    assert after.offsets.any()
    pitches = sorted(pitch for _, pitch, _ in rows(beat()))
    assert sorted(pitch for _, pitch, _ in rows(made)) == pitches


@pytest.mark.parametrize(
    "options",
    [
        *(("--genre", genre.value) for genre in Genre),
        ("--feel", "pushed"),
        ("--feel", "-1,0.5,1"),
        ("--velocity-pattern", "5,1"),
        ("--seed", "7"),
        ("--like", "beat.mid"),
        ("--keep-notes",),
        ("--amount", "0.5"),
        ("--timing", "0.5"),
        ("--velocity", "0.5"),
        ("--swing", "0.5"),
        ("--dynamics", "1"),
        ("--density", "0.2"),
        ("--only", "kick"),
    ],
)
def test_each_option_changes_what_is_played(groove, options):
    assert rows(groove(*options)) != rows(groove())


def test_feels_and_patterns_come_from_files_too(groove, tmp_path):
    (tmp_path / "feel.txt").write_text("-1 # pushed\n")
    (tmp_path / "loud.txt").write_text("5 1\n5 1\n")
    assert rows(groove("--feel", "feel.txt")) == rows(groove("--feel", "pushed"))
    loud = rows(groove("--velocity-pattern", "loud.txt"))
    assert loud == rows(groove("--velocity-pattern", "5,1"))


def test_variations_are_files_of_a_folder_and_the_first_is_the_plain_one(groove, tmp_path):
    groove("--variations", 3, "--no-provenance", name="takes")
    made = sorted((tmp_path / "takes").glob("*.mid"))
    assert [path.name for path in made] == ["beat-1.mid", "beat-2.mid", "beat-3.mid"]
    contents = [path.read_bytes() for path in made]
    assert len(set(contents)) == 3
    assert contents[0] == groove("--no-provenance")


def test_several_templates_go_to_a_folder(groove, tmp_path):
    (tmp_path / "other.mid").write_bytes(beat(2))
    groove(inputs=("beat.mid", "other.mid"), name="takes")
    assert {path.name for path in (tmp_path / "takes").glob("[!.]*")} == {"beat.mid", "other.mid"}


def test_a_groove_file_decides_where_it_has_a_value(groove, tmp_path):
    text = "drumkit groove 1\nstep kick snare closed-hat\n"
    text += "1.1.1 120+10 . 30-20\n1.2.1 . 99+25 .\n"
    (tmp_path / "a.groove").write_text(text)
    plain, like = (performance(groove("--keep-notes", *o)) for o in ((), ("--like", "a.groove")))
    assert like.velocities[0, ::16] == pytest.approx(120 / 127)
    assert like.offsets[0, ::16] == pytest.approx(0.1)
    assert like.velocities[1, 4::16] == pytest.approx(99 / 127)
    assert like.offsets[1, 4::16] == pytest.approx(0.25)
    assert like.velocities[2, 16::16] == pytest.approx(30 / 127)
    assert like.offsets[2, 16::16] == pytest.approx(-0.2)
    untold = np.ones((7, 64), bool)
    untold[[0, 2], ::16] = untold[1, 4::16] = False
    np.testing.assert_array_equal(plain.velocities[untold], like.velocities[untold])


def test_an_extracted_groove_is_stable(groove, tmp_path):
    """What is played like it, and extracted again, is the same text."""
    (tmp_path / "ref.mid").write_bytes(groove("--seed", 3, "--keep-notes"))
    options = ("--extract", "--no-provenance")
    first = groove(*options, inputs=("ref.mid",), name="a.groove")
    assert first.startswith(b"drumkit groove 1\n")
    groove("--keep-notes", "--like", "a.groove", name="played.mid")
    again = groove(*options, inputs=("played.mid",), name="b.groove")
    table, other = read_groove(first, "a"), read_groove(again, "b")
    np.testing.assert_array_equal(table.velocities, other.velocities)
    late = table.percents != other.percents
    assert not late[:, 1:].any()  # at 1.1.1 the first measure has no place before it


def test_extracting_needs_no_weights_and_says_what_it_read(groove, monkeypatch):
    monkeypatch.setenv("DRUMKIT_WEIGHTS", "none")
    text = groove("--extract", name="a.groove").decode()
    assert f"input sha256: {hashlib.sha256(beat()).hexdigest()}" in text
    table = read_groove(text.encode(), "a.groove")
    np.testing.assert_array_equal(table.velocities, extract_groove(performance(beat())).velocities)


def test_how_it_was_made_stands_in_the_file(groove, weights, tmp_path):
    (tmp_path / "ref.mid").write_bytes(beat(2))
    made = groove("--like", "ref.mid", "--seed", 5)
    for content in (weights.read_bytes(), beat(), beat(2)):
        assert hashlib.sha256(content).hexdigest().encode() in made
    assert b"seed: 5" in made
    assert b"sha256" not in groove("--no-provenance")


def test_unknown_drums_are_named_only_when_asked(groove, capsys):
    groove()
    assert capsys.readouterr().err == ""
    groove("-v")
    told = "left as they are: Cowbell (4 notes), Open Hi Conga (4 notes)"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "status", "word"),
    [
        (("--genre", "polka"), 2, "polka"),
        (("--amount", "1.1"), 2, "--amount"),
        (("--density", "-1.1"), 2, "--density"),
        (("--density", "0.5", "--keep-notes"), 2, "--keep-notes is --density 0"),
        (("--only", "kick,cow"), 2, "no drum 'cow'; one of kick, snare"),
        (("--extract", "--swing", "0"), 2, "--extract only reads"),
        (("--feel", "2"), 2, "2 is not within -1 and 1"),
        (("--feel", "late"), 66, "late: No such file or directory; --feel takes pushed, on, laid"),
        (("--velocity-pattern", "6"), 2, "6 is not within"),
        (("--variations", "2"), 2, "-o DIR"),
        (("--variations", "0"), 2, "--variations"),
        (("--extract", "--genre", "funk"), 2, "--extract only reads"),
        (("--extract", "--keep-notes"), 2, "--extract only reads"),
        (("--like", "none.mid"), 66, "none.mid"),
        (("--like", "junk"), 65, "junk is neither MIDI nor a groove"),
        (("--like", "bad.groove"), 65, "bad.groove, line 3: 'x' is no step"),
        (("--like", "bad.mid"), 65, "bad.mid"),
        (("--like", "-", "--feel", "-"), 2, "only once"),
        (("--like", "-", "--map", "-"), 2, "only once"),
        (("--map", "ezdrummer"), 66, "--map takes gm, roland"),
    ],
)
def test_what_cannot_be_is_told_before_weights_are_read(
    groove, tmp_path, capsys, monkeypatch, options, status, word
):
    monkeypatch.setenv("DRUMKIT_WEIGHTS", "none")
    (tmp_path / "junk").write_bytes(b"junk")
    (tmp_path / "bad.mid").write_bytes(midi_files.BROKEN["no note"][0])
    (tmp_path / "bad.groove").write_text("drumkit groove 1\nstep kick\nx 90\n")
    groove(*options, status=status)
    (line,) = capsys.readouterr().err.splitlines()
    assert word in line
    assert not (tmp_path / "out.mid").exists()


@pytest.mark.parametrize("option", ["--like", "--feel", "--velocity-pattern"])
def test_what_an_option_reads_is_never_overwritten(groove, tmp_path, capsys, option):
    reference = beat(2) if option == "--like" else b"1\n0\n"
    (tmp_path / "ref.mid").write_bytes(reference)
    groove(option, "ref.mid", name="ref.mid", status=2)
    assert "ref.mid is an input itself" in capsys.readouterr().err
    assert (tmp_path / "ref.mid").read_bytes() == reference


def test_the_kick_on_the_first_bar_line_after_a_pickup_is_at_1_1_1(groove, tmp_path, capsys):
    hits = [
        (96 + 384 * bar + 96 * beat, pitch, 100)
        for bar in range(4)
        for beat, pitch in ((0, 36), (1, 38), (2, 36), (3, 38))
    ]
    notes = midi_files.track([(0, 38, 90), *hits], end=96 + 4 * 384)
    song = midi_files.file(midi_files.meter_map((0, 1, 4), (96, 4, 4)), notes, kind=1)
    (tmp_path / "pickup.mid").write_bytes(song)
    table = read_groove(groove("--extract", inputs=("pickup.mid",), name="a.groove"), "a")
    np.testing.assert_array_equal(np.flatnonzero(table.velocities[0]), [0, 8, 16, 24])
    np.testing.assert_array_equal(np.flatnonzero(table.velocities[1]), [4, 12, 20, 28])
    assert "pickup.mid: 1 note left alone: measure 1 (1/4)" in capsys.readouterr().err


def test_drums_of_another_map_are_played_by_it(groove, tmp_path):
    (tmp_path / "a.map").write_text("36 kick\n43 snare\n52 closed hat\n")
    own = [(0, 60, 36, 90), (480, 60, 43, 90), (0, 60, 52, 90), (240, 60, 52, 90)]
    usual = [(0, 60, 36, 90), (480, 60, 38, 90), (0, 60, 42, 90), (240, 60, 42, 90)]
    for name, notes in (("own.mid", own), ("usual.mid", usual)):
        track = empty_track(end_ticks=1920)
        (tmp_path / name).write_bytes(
            write_midi(track.with_notes(track.note(*note) for note in notes))
        )
    mapped = groove("--map", "a.map", "--keep-notes", inputs=("own.mid",))
    plain = groove("--keep-notes", inputs=("usual.mid",))
    names = {36: 36, 43: 38, 52: 42}
    assert [(at, names[pitch], v) for at, pitch, v in rows(mapped)] == rows(plain)


def test_a_template_without_our_drums_is_bad_data(groove, tmp_path, capsys):
    (tmp_path / "a.mid").write_bytes(midi_files.file(midi_files.track([(0, 56, 90)])))
    groove(inputs=("a.mid",), status=65)
    assert "a.mid has no notes to play" in capsys.readouterr().err


def shell(line, folder, **environment):
    done = subprocess.run(
        [
            "bash",
            "-o",
            "pipefail",
            "-c",
            line.replace("drumkit", f"{sys.executable} -m drumkit_cli"),
        ],
        capture_output=True,
        cwd=folder,
        env={**ENVIRONMENT, **environment},
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_swirl_pipes_into_groove_and_two_runs_are_the_same(weights, tmp_path):
    from tests.swirl.tiny import write_tiny_drummer

    write_tiny_drummer(weights.parent / "swirl.safetensors")
    line = "drumkit swirl --measures 8 | drumkit groove - --genre funk"
    first, again = (shell(line, tmp_path, DRUMKIT_WEIGHTS=str(weights.parent)) for _ in range(2))
    assert first == again
    track = read_midi(first, "t.mid")
    assert track.end_ticks == 8 * 4 * track.division
    assert track.tempo_bpm == pytest.approx(129, abs=1e-3)
    assert performance(first).velocities.any()
