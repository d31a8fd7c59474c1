"""What the options leave as it is, by the command on untrained networks."""

import numpy as np
import pytest

from drumkit_cli import cli
from drumkit_cli.groove.electronic import swung
from drumkit_cli.groove.inputs.swing import Swing
from drumkit_cli.midi.files import read_midi, write_midi
from tests.groove.tracks import STEP, beat, read_template

HATS = (42, 46)


@pytest.fixture
def groove(weights, tmp_path, monkeypatch):
    """Run the command in this process on MIDI data; gives the bytes of what it made."""
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(weights))
    monkeypatch.chdir(tmp_path)

    def run(*arguments, template=None):
        (tmp_path / "in.mid").write_bytes(beat() if template is None else template)
        options = [*map(str, arguments), "--no-provenance", "--force"]
        assert cli.run(["groove", "in.mid", *options, "-o", "out.mid"]) == 0
        return (tmp_path / "out.mid").read_bytes()

    return run


def rows(data):
    return [(n.onset_ticks, n.pitch, n.velocity) for n in read_midi(data, "a.mid").notes]


def swung_beat(swing):
    return write_midi(swung(read_template(beat(), "beat.mid"), swing).track)


@pytest.mark.parametrize("swing", [Swing(), Swing(2, 0.58), Swing(2, 2 / 3)])
def test_an_amount_of_0_is_the_template_whatever_else_is_asked(groove, swing):
    template = swung_beat(swing)
    options = ("--swing", 0.7, "--density", 1, "--dynamics", 1, "--feel", "laidback")
    assert groove("--amount", 0, *options, template=template) == template
    assert groove("--timing", 0, "--velocity", 0, template=template) == template


def test_a_timing_of_0_leaves_every_onset_on_the_grid(groove):
    made = rows(groove("--timing", 0, "--density", 1))
    assert len(made) > len(rows(beat()))
    assert all(tick % STEP == 0 for tick, _, _ in made)


def test_a_velocity_of_0_leaves_notes_as_loud_as_they_are(groove):
    made, before = rows(groove("--velocity", 0)), rows(beat())
    assert made != before
    assert sorted(row[1:] for row in made) == sorted(row[1:] for row in before)


def test_a_swing_of_0_leaves_a_straight_template_straight(groove):
    assert groove("--swing", 0, "--timing", 0, "--velocity", 0) == beat()


def test_a_swing_of_1_makes_triplets_and_one_of_0_straightens_them(groove):
    still = ("--timing", 0, "--velocity", 0)
    triplets = groove("--swing", 1, *still)
    hats = [tick for tick, pitch, _ in rows(triplets) if pitch == 42][:4]
    assert hats == [0, 4 * STEP * 2 // 3, 4 * STEP, 4 * STEP + 4 * STEP * 2 // 3]
    straight = rows(groove("--swing", 0, *still, template=triplets))
    assert sorted(straight) == sorted(rows(beat()))


@pytest.mark.parametrize("swing", [Swing(2, 0.58), Swing(2, 2 / 3)])
def test_swing_is_kept(groove, swing):
    before = read_template(swung_beat(swing), "before")
    made = read_template(groove("--timing", 0.1, template=swung_beat(swing)), "made")
    assert before.swing.ratio == pytest.approx(swing.ratio, abs=0.005)
    assert (made.swing.pair, made.swing.ratio) == (2, pytest.approx(swing.ratio, abs=0.02))


def test_drums_that_are_not_asked_for_are_left_as_they_are(groove):
    made, before = rows(groove("--only", "closed-hat,open-hat", "--swing", 1)), rows(beat())
    for hats in (True, False):
        parts = [[row for row in of if (row[1] in HATS) == hats] for of in (made, before)]
        assert (parts[0] == parts[1]) == (not hats)


def test_the_denser_the_more_notes(groove):
    counts = [len(rows(groove("--density", density))) for density in (-1, -0.5, 0, 0.5, 1)]
    before = read_template(beat(), "beat.mid")
    own = int((before.performance.velocities > 0).sum())
    others = len(rows(beat())) - own
    assert counts == [
        others,
        others + own // 2,
        others + own,
        others + own * 3 // 2,
        others + 2 * own,
    ]


def test_a_groove_of_a_shuffle_makes_straight_eighths_triplets(groove, tmp_path):
    table = "drumkit groove 1\nstep closed-hat\n"
    table += "".join(f"1.{beat}.1 90+0\n1.{beat}.3 70+67\n" for beat in range(1, 5))
    (tmp_path / "shuffle.groove").write_text(table)
    made = rows(groove("--keep-notes", "--like", "shuffle.groove"))
    hats = np.array([tick for tick, pitch, _ in made if pitch == 42])
    np.testing.assert_allclose(hats[:4] / STEP, [0, 2.67, 4, 6.67], atol=0.01)
