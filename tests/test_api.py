"""`import drumkit_cli as drumkit`: functions on arrays and tracks, whatever was imported before."""

import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import drumkit_cli as drumkit
from drumkit_cli import cli
from drumkit_cli.learning import checkpoint, models
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.patterns.composer import compose
from tests.arrange.tiny import bass_line
from tests.contract import midi_files
from tests.contract.commands import make_weights

ROOT = Path(__file__).parent.parent
FUNCTIONS = [name for name in drumkit.__all__ if name in cli.COMMANDS]


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory):
    """Tiny weights of every feature in the place of those that ship."""
    folder = tmp_path_factory.mktemp("weights")
    make_weights(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRUMKIT_WEIGHTS", str(folder))
        yield folder


@pytest.fixture
def shipped(monkeypatch):
    """The weights that ship: tiny untrained ones play no note."""
    monkeypatch.delenv("DRUMKIT_WEIGHTS")


@pytest.fixture
def not_imported():
    """While a test runs, nothing of drumkit has been imported."""
    ours = {name: sys.modules.pop(name) for name in _our_modules()}
    yield
    for name in _our_modules():
        del sys.modules[name]
    sys.modules.update(ours)


def _our_modules():
    return [name for name in sys.modules if name.partition(".")[0] == "drumkit_cli"]


def run_python(program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def noise(*shape):
    return np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)


def test_importing_the_package_imports_nothing_heavy():
    heavy = run_python(
        "import sys, drumkit_cli\n"
        "print(sorted({'numpy', 'torch', 'scipy', 'mido', 'typer'} & set(sys.modules)))"
    )
    assert heavy == "[]"


@pytest.mark.parametrize(
    "before",
    [
        "import drumkit_cli.{name}",
        "import drumkit_cli.{name}.infer",
        "import drumkit_cli.{name}.command as command; assert command.{name}",
        "import drumkit_cli.{name}.infer as infer; assert infer.{name}",
        "from drumkit_cli.{name} import infer; assert infer.{name}",
        "from drumkit_cli import {name}; import drumkit_cli.{name}.infer as infer; assert infer",
        "import drumkit_cli; drumkit_cli.{name}; import drumkit_cli.{name}.command",
        "import drumkit_cli.{name}.infer; assert drumkit_cli.{name}.infer.{name}",
        "import importlib; importlib.import_module('drumkit_cli.{name}.infer').{name}",
    ],
)
@pytest.mark.usefixtures("not_imported")
def test_a_function_is_not_hidden_by_the_folder_of_its_name(before):
    for name in FUNCTIONS:
        scope = {}
        exec(before.format(name=name), scope)
        exec(f"import drumkit_cli as drumkit\nfrom drumkit_cli import {name} as imported", scope)
        assert inspect.isfunction(scope["imported"])
        assert scope["imported"] is getattr(scope["drumkit"], name)
        assert scope["imported"].__module__ == f"drumkit_cli.{name}.infer"


@pytest.mark.parametrize("name", drumkit.__all__)
def test_a_public_name_is_listed_documented_and_can_be_pickled(name):
    assert name in dir(drumkit)
    value = getattr(drumkit, name)
    if callable(value):
        assert inspect.getdoc(value)
        assert pickle.loads(pickle.dumps(value)) is value


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_documents_its_arguments_and_has_an_example(name):
    function = getattr(drumkit, name)
    text = inspect.getdoc(function)
    for section in ("Args:", "Returns:", "Raises:", "Example:"):
        assert f"\n{section}\n" in text
    for argument in inspect.signature(function).parameters:
        assert f"    {argument}: " in text


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'seperate'"):
        drumkit.seperate  # noqa: B018


def test_weights_are_read_once_a_file_and_again_when_it_changes(weights, monkeypatch):
    read = []

    def counted(feature, path):
        read.append(path)
        return checkpoint.load_weights(feature, path)

    models._build.cache_clear()
    monkeypatch.setattr(models, "load_weights", counted)
    path = weights / "separate.safetensors"
    for _ in range(2):
        drumkit.separate(noise(2000), 8000)
        drumkit.separate(noise(2000), 8000, weights=path)
    assert len(read) == 1
    os.utime(path, ns=(0, 0))
    drumkit.separate(noise(2000), 8000)
    assert len(read) == 2


def test_a_mono_array_gives_mono_stems_that_sum_to_it():
    mix = noise(30_000)
    stems = drumkit.separate(mix, 22_050)
    assert {name: stem.shape for name, stem in stems.items()} == dict.fromkeys(
        ("drums", "bass", "other"), mix.shape
    )
    np.testing.assert_allclose(sum(stems.values()), mix, atol=1e-5)


def test_the_command_and_the_function_give_the_same_stems(tmp_path):
    rate = 22_050
    drumkit.write_audio(tmp_path / "song.wav", noise(2, 3 * rate), rate)
    arguments = ["separate", "--threads", "1", str(tmp_path / "song.wav")]
    assert cli.run([*arguments, "-o", str(tmp_path)]) == 0
    song, _ = drumkit.read_audio(tmp_path / "song.wav")
    for name, stem in drumkit.separate(song, rate).items():
        written, _ = drumkit.read_audio(tmp_path / "song" / f"{name}.wav")
        np.testing.assert_array_equal(stem, written)


def test_the_command_and_the_function_play_the_same_drums(tmp_path):
    rate = 44_100
    bass = np.stack([bass_line(3, rate, 0.02), bass_line(3, rate, 0.05)])
    drumkit.write_audio(tmp_path / "bass.wav", bass, rate)
    arguments = ["arrange", "--threads", "1", "--iterations", "2", "--seed", "3"]
    assert cli.run([*arguments, str(tmp_path / "bass.wav"), "-o", str(tmp_path / "d.wav")]) == 0
    written, _ = drumkit.read_audio(tmp_path / "d.wav")
    drums = drumkit.arrange(bass, rate, iterations=2, seed=3)
    assert drums.any()
    np.testing.assert_array_equal(drums, written[0])


@pytest.mark.parametrize("options", [[], ["--preset", "synth"]])
def test_the_command_and_the_function_give_the_same_spectrogram_and_sound(tmp_path, options):
    rate, config = 44_100, options[1] if options else "arrange"
    song, npy, wav = (str(tmp_path / name) for name in ("song.wav", "mel.npy", "again.wav"))
    drumkit.write_audio(song, noise(2, 2 * rate), rate)
    assert cli.run(["mel", *options, song, "-o", npy]) == 0
    power = drumkit.mel(drumkit.read_audio(song)[0], rate, config=config)
    np.testing.assert_array_equal(power, np.load(npy))
    assert cli.run(["mel", "--invert", *options, "--iterations", "2", npy, "-o", wav]) == 0
    sound = drumkit.invert(power, config=config, iterations=2)
    np.testing.assert_array_equal(sound, drumkit.read_audio(wav)[0][0])


def test_levels_and_windows_are_inverted_too(tmp_path):
    song, npy, wav = (str(tmp_path / name) for name in ("song.wav", "mel.npy", "again.wav"))
    drumkit.write_audio(song, noise(40_000), 22_050)
    windows = ["--windows", "--width", "32", "--overlap", "8"]
    assert cli.run(["mel", "--discretise", *windows, song, "-o", npy]) == 0
    inverting = ["mel", "--invert", "--overlap", "8", "--iterations", "2"]
    assert cli.run([*inverting, npy, "-o", wav]) == 0
    sound = drumkit.invert(np.load(npy), overlap=8, iterations=2)
    np.testing.assert_array_equal(sound, drumkit.read_audio(wav)[0][0])


def test_no_samples_have_no_frames_and_no_frames_no_samples():
    power = drumkit.mel(np.zeros(0), 44_100)
    assert power.shape == (256, 0)
    assert drumkit.invert(power).shape == (0,)


@pytest.mark.parametrize(
    "power",
    [np.zeros((80, 5)), np.zeros(256), np.full((256, 5), -1.0), np.zeros((256, 5), np.int32)],
)
def test_what_is_no_mel_spectrogram_is_bad_data(power):
    with pytest.raises(drumkit.BadDataError, match="the spectrogram"):
        drumkit.invert(power)


def test_an_unknown_preset_is_a_usage_error():
    with pytest.raises(drumkit.UsageError, match="synth"):
        drumkit.mel(noise(100), 8000, config="tacotron")


def written(tmp_path, *arguments):
    """The MIDI file that a command writes."""
    output = tmp_path / "out.mid"
    assert cli.run([*arguments, "--no-provenance", "--threads", "1", "-o", str(output)]) == 0
    return output.read_bytes()


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("humanize", [False, True])
def test_the_command_and_the_function_swirl_alike(tmp_path, humanize):
    options = ["--seed", "2", "--bpm", "90", "--from", "1.5", *["--humanize"] * humanize]
    track = drumkit.swirl(5, start=1.5, humanize=humanize, tempo_bpm=90, seed=2)
    assert track.notes
    assert write_midi(track) == written(tmp_path, "swirl", "--measures", "5", *options)
    assert track.tempo_bpm == pytest.approx(90)


@pytest.mark.parametrize(
    "wrong", [{"measures": 0}, {"tempo_bpm": 0}, {"speed": np.nan}, {"seed": -1}, {"start": np.inf}]
)
def test_a_swirl_that_cannot_be_is_a_usage_error(wrong):
    with pytest.raises(drumkit.UsageError):
        drumkit.swirl(**wrong)


@pytest.mark.usefixtures("shipped")
def test_the_command_and_the_function_interpolate_alike(tmp_path):
    beat = drumkit.swirl(5, tempo_bpm=90)
    drumkit.write_midi(tmp_path / "beat.mid", beat)
    options = ["-n", "3", "--path", "lerp", "--threshold", "0.2"]
    arguments = ["interpolate", str(tmp_path / "beat.mid"), "techno:3", *options]
    track = drumkit.interpolate(beat, "techno:3", 3, path="lerp", threshold=0.2)
    assert write_midi(track) == written(tmp_path, *arguments)
    assert track.tempo_bpm == pytest.approx(90)


def test_tracks_arrays_and_names_are_patterns_alike(tmp_path):
    options = {"steps": 1, "path": "crossfade", "tempo_bpm": 129}
    track = drumkit.interpolate("techno:3", "techno:3", **options)
    drumkit.write_midi(tmp_path / "pattern.mid", track)
    named = str(tmp_path / "pattern.mid@5-8")
    array = compose("techno", 3)
    for start in (track, array, array[None], named):
        assert drumkit.interpolate(start, "techno:3", **options) == track


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"start": "techno:99999"}, drumkit.UsageError),
        ({"start": "nothing.mid"}, drumkit.MissingInputError),
        ({"start": np.full((6, 64), 2.0)}, drumkit.BadDataError),
        ({"start": np.zeros((6, 64))}, drumkit.BadDataError),
        ({"start": np.ones((5, 64))}, drumkit.BadDataError),
        ({"steps": 0}, drumkit.UsageError),
        ({"path": "detour"}, drumkit.UsageError),
        ({"threshold": -1}, drumkit.UsageError),
        ({"tempo_bpm": 1}, drumkit.UsageError),
    ],
)
def test_a_transition_that_cannot_be_is_refused(wrong, error):
    with pytest.raises(error):
        drumkit.interpolate(**{"start": "techno:1", "goal": "techno:2", **wrong})


TRACK = read_midi(midi_files.WHOLE, "beat")


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, ""),
        ({"genre": "hip-hop", "seed": 3, "amount": 0.5}, "--genre hip-hop --seed 3 --amount 0.5"),
        (
            {"feel": "laidback", "velocity_pattern": (5, 2)},
            "--feel laidback --velocity-pattern 5,2",
        ),
        ({"feel": (0.5, -1), "keep_notes": True}, "--feel 0.5,-1 --keep-notes"),
    ],
)
def test_the_command_and_the_function_play_a_groove_alike(tmp_path, options, arguments):
    beat = str(tmp_path / "beat.mid")
    drumkit.write_midi(beat, TRACK)
    played = drumkit.groove(TRACK, **options)
    assert played.notes != TRACK.notes
    assert write_midi(played) == written(tmp_path, "groove", beat, *arguments.split())


def test_a_groove_is_that_of_a_track_or_of_a_table(tmp_path):
    beat, like, table = (str(tmp_path / name) for name in ("a.mid", "like.mid", "like.groove"))
    reference = read_midi(midi_files.file(midi_files.track([(0, 36, 20), (96, 38, 30)])), "like")
    drumkit.write_midi(beat, TRACK)
    drumkit.write_midi(like, reference)
    assert cli.run(["groove", "--extract", like, "-o", table]) == 0
    for path, groove in ((like, reference), (table, drumkit.read_groove(table))):
        played = drumkit.groove(TRACK, like=groove)
        assert write_midi(played) == written(tmp_path, "groove", beat, "--like", path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"genre": "polka"},
        {"feel": "late"},
        {"feel": (2,)},
        {"velocity_pattern": (6,)},
        {"amount": 1.5},
        {"seed": -1},
        {"variation": -1},
    ],
)
def test_a_groove_that_cannot_be_is_a_usage_error(wrong):
    with pytest.raises(drumkit.UsageError):
        drumkit.groove(TRACK, **wrong)


def test_a_track_without_drums_is_bad_data():
    with pytest.raises(drumkit.BadDataError, match="the track"):
        drumkit.groove(TRACK.with_notes([]))


@pytest.mark.parametrize("inverter", ["spectral", "mcnn", "griffin-lim"])
def test_the_command_and_the_function_make_the_same_sound(tmp_path, inverter):
    output = str(tmp_path / "kick.wav")
    options = ["--seed", "3", "--velocity", "0.5", "--length", "0.2", "--inverter", inverter]
    assert cli.run(["synth", "kick", *options, "-o", output]) == 0
    kick = drumkit.synth("kick", velocity=0.5, length_seconds=0.2, inverter=inverter, seed=3)
    assert kick.any()
    np.testing.assert_array_equal(kick, drumkit.read_audio(output)[0][0])


def test_the_command_and_the_function_play_a_track_alike(tmp_path):
    drumkit.write_midi(tmp_path / "beat.mid", TRACK)
    beat, kit, output = (str(tmp_path / name) for name in ("beat.mid", "kit.json", "beat.wav"))
    assert cli.run(["synth", beat, "--seed", "2", "--save-kit", kit, "-o", output]) == 0
    written, rate = drumkit.read_audio(output)
    assert (rate, len(written)) == (22_050, 2)
    np.testing.assert_array_equal(drumkit.synth(TRACK, seed=2), written)
    again = drumkit.synth(TRACK, kit=drumkit.read_kit(kit), seed=2)
    np.testing.assert_array_equal(again, written)


def test_controls_and_codes_are_sounds(tmp_path):
    output = str(tmp_path / "code.npy")
    bright, dull = (drumkit.synth("tom", controls=(p, 0, 0)) for p in (2.0, -2.0))
    assert not np.array_equal(bright, dull)
    assert cli.run(["synth", "tom", "--pc", "2", "0", "0", "-o", output]) == 0
    np.testing.assert_array_equal(drumkit.synth(np.load(output)), bright)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("kick", {"kit": drumkit.Kit()}),
        ("kick", {"humanize": 0.5}),
        ("kick", {"velocity": 2}),
        ("kick", {"length_seconds": 61}),
        ("kick", {"controls": (np.nan, 0, 0)}),
        ("kick", {"inverter": "vocoder"}),
        ("flute", {}),
        (TRACK, {"velocity": 0.5}),
        (TRACK, {"controls": (0, 0, 0)}),
        (TRACK, {"humanize": 2}),
        (np.zeros(23), {"controls": (0, 0, 0)}),
    ],
)
def test_a_sound_that_cannot_be_is_a_usage_error(source, options):
    with pytest.raises(drumkit.UsageError):
        drumkit.synth(source, **options)


@pytest.mark.parametrize("source", [np.zeros(3), np.zeros((2, 23)), TRACK.with_notes([])])
def test_what_is_no_sound_is_bad_data(source):
    with pytest.raises(drumkit.BadDataError):
        drumkit.synth(source)


@pytest.mark.usefixtures("shipped")
def test_midi_that_is_written_is_read_back(tmp_path):
    track = drumkit.swirl(2)
    drumkit.write_midi(tmp_path / "a.mid", track)
    assert drumkit.read_midi(tmp_path / "a.mid") == track


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((2, 10), np.int16), 44_100, "int16"),
        (np.zeros((1, 2, 10)), 44_100, "shape"),
        (np.zeros((10_000, 2)), 44_100, "transpose"),
        (np.full(10, np.nan), 44_100, "NaN"),
        (np.full(10, 2e6), 44_100, "beyond"),
        (np.zeros(10), 10, "rate"),
    ],
)
def test_samples_that_cannot_be_used_are_bad_data(samples, rate, message):
    with pytest.raises(drumkit.BadDataError, match=message):
        drumkit.separate(samples, rate)


@pytest.mark.parametrize(
    "wrong", [{"overlap": 0.95}, {"shifts": -1}, {"segment_seconds": 0}, {"device": "tpu"}]
)
def test_an_argument_out_of_range_is_a_usage_error(wrong):
    with pytest.raises(drumkit.UsageError):
        drumkit.separate(noise(100), 8000, **wrong)


@pytest.mark.parametrize("encoding", ["float32", "pcm16", "pcm24", "pcm32"])
def test_audio_that_is_written_is_read_back(encoding, tmp_path):
    samples = noise(2, 1000)
    drumkit.write_audio(tmp_path / "a.wav", samples, 48_000, encoding)
    again, rate = drumkit.read_audio(tmp_path / "a.wav")
    assert rate == 48_000
    np.testing.assert_allclose(again, samples, atol=0 if encoding == "float32" else 2e-5)


def test_an_unknown_encoding_is_a_usage_error_and_makes_no_file(tmp_path):
    with pytest.raises(drumkit.UsageError, match="pcm16"):
        drumkit.write_audio(tmp_path / "a.wav", noise(10), 8000, "mp3")
    assert not list(tmp_path.iterdir())
