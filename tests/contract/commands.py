"""What the contract suite knows of each command: how to call it, and what good looks like."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import mido
import numpy as np
import soundfile

from drumkit_cli.groove.inputs.groove_file import read_groove
from drumkit_cli.midi.files import read_midi
from tests import signals
from tests.contract import midi_files
from tests.kick.tiny import song_file

RATE = 22050


@dataclass(frozen=True)
class Command:
    """A command that turns one input, or none, into one output, or tells of it on stdout.

    Attributes:
        name: for the tests' ids.
        arguments: of drumkit, before inputs and options.
        suffix: of the output's file name; "": it makes no file, and names its input.
        good: bytes of a good input; None: it takes none.
        is_good: whether bytes are a good output of it.
        stdin: what stands for stdin where no input is named.
        trailing: arguments after the input.
        takes_several: it takes several inputs, and then a folder to write to.
        takes_audio: the input is audio, so that the audio cases apply.
        takes_midi: the input may be MIDI, so that the MIDI cases apply.
        takes_any_meter: of MIDI: also what does not fill measures of sixteen sixteenths.
        has_model: it loads weights.
        other_suffixes: of other kinds that it writes where the output is so named.
        is_brief: what it writes is less than 4096 bytes.
        shorter: bytes of a good input of a few seconds, where `good` is longer.
    """

    name: str
    arguments: tuple[str, ...]
    suffix: str
    good: bytes | None
    is_good: Callable[[bytes], bool]
    stdin: tuple[str, ...] = ()
    trailing: tuple[str, ...] = ()
    takes_several: bool = True
    takes_audio: bool = False
    takes_midi: bool = False
    takes_any_meter: bool = False
    has_model: bool = True
    other_suffixes: tuple[str, ...] = ()
    is_brief: bool = False
    shorter: bytes | None = None

    @property
    def short(self):
        """A good input, for tests to which its length is nothing."""
        return self.shorter or self.good

    @property
    def suffixes(self):
        return (self.suffix, *self.other_suffixes)

    def to(self, name):
        """The option that names the output, less its suffix."""
        return ("-o", name + self.suffix) if self.suffix else ()

    def line(self, *inputs):
        """The arguments with these inputs, or stdin; a command without input ignores them."""
        given = () if self.good is None else inputs or self.stdin
        return (*self.arguments, *given, *self.trailing)


def is_wave(data):
    samples, _ = soundfile.read(io.BytesIO(data), always_2d=True)
    return bool(np.isfinite(samples).all()) and len(samples) > 0


def is_array(data):
    return bool(np.isfinite(np.load(io.BytesIO(data), allow_pickle=False)).all())


def is_drums(data):
    """Whether it is MIDI of drums, as mido reads it too."""
    notes = [message for message in mido.MidiFile(file=io.BytesIO(data)) if not message.is_meta]
    track = read_midi(data, "drums")
    return (
        len(notes) == 2 * len(track.notes) > 0
        and all(note.drum and 0 < note.velocity < 128 for note in track.notes)
        and track.end_ticks % (4 * track.division) == 0
    )


def is_played(data):
    """Whether it is MIDI with notes by onset, as mido reads it too."""
    events = [event for track in mido.MidiFile(file=io.BytesIO(data)).tracks for event in track]
    struck = sum(event.type == "note_on" and event.velocity > 0 for event in events)
    onsets = [note.onset_seconds for note in read_midi(data, "played").notes]
    return len(onsets) == struck > 0 and onsets == sorted(onsets)


def is_transcribed(data):
    """Whether it is MIDI of drums by onset, as mido reads it too; perhaps of none."""
    mido.MidiFile(file=io.BytesIO(data))
    notes = read_midi(data, "drums").notes
    onsets = [note.onset_seconds for note in notes]
    return onsets == sorted(onsets) and all(note.drum for note in notes)


def is_groove_text(data):
    return bool(read_groove(data, "extracted").velocities.any())


def is_told(data):
    return data.startswith(b"<stdin>\n  kind ")


def is_score(data):
    return b"grade, 0 to 9" in data and b"without --reference" in data


def song(rate=RATE, seconds=1.0, channels=2):
    """A bar of low sines with a decay: enough for a model to have something to do."""
    return signals.sine(rate, seconds, channels, hertz=55.0)


def _mel_array():
    buffer = io.BytesIO()
    chance = np.random.default_rng(0)
    np.save(buffer, chance.uniform(0, 10, (256, 44)).astype(np.float32))
    return buffer.getvalue()


ENCODED = (".flac", ".ogg", ".mp3")
SONG = signals.encode(song(), RATE, "WAV", "PCM_16")
COMMANDS = [
    Command(
        "separate", ("separate", "--model", "built-in"), ".wav", SONG, is_wave, takes_audio=True
    ),
    Command("mel", ("mel",), ".npy", SONG, is_array, takes_audio=True, has_model=False),
    Command(
        "mel-invert",
        ("mel", "--invert"),
        ".wav",
        _mel_array(),
        is_wave,
        has_model=False,
        other_suffixes=ENCODED,
    ),
    Command(
        "arrange", ("arrange",), ".wav", SONG, is_wave, takes_audio=True, other_suffixes=ENCODED
    ),
    Command(
        "transcribe", ("transcribe",), ".mid", SONG, is_transcribed, takes_audio=True, is_brief=True
    ),
    Command(
        "score",
        ("score",),
        ".txt",
        SONG,
        is_score,
        takes_several=False,
        takes_audio=True,
        is_brief=True,
    ),
    Command(
        "interpolate",
        ("interpolate",),
        ".mid",
        midi_files.SOUND["format 0"],
        is_drums,
        stdin=("-",),
        trailing=("techno:1",),
        takes_several=False,
        takes_midi=True,
        other_suffixes=(".npy",),
    ),
    Command(
        "swirl", ("swirl",), ".mid", None, is_drums, takes_several=False, other_suffixes=(".npy",)
    ),
    Command(
        "groove",
        ("groove",),
        ".mid",
        midi_files.SOUND["long"],
        is_played,
        takes_midi=True,
        takes_any_meter=True,
    ),
    Command(
        "groove-extract",
        ("groove", "--extract"),
        ".groove",
        midi_files.SOUND["long"],
        is_groove_text,
        takes_midi=True,
        takes_any_meter=True,
        has_model=False,
        is_brief=True,
    ),
    Command(
        "kick",
        ("kick",),
        ".mid",
        song_file(bars=80),
        is_played,
        takes_several=False,
        other_suffixes=(".wav", *ENCODED),
        shorter=song_file(),
    ),
    Command(
        "synth",
        ("synth",),
        ".wav",
        midi_files.SOUND["long"],
        is_wave,
        takes_midi=True,
        takes_any_meter=True,
        other_suffixes=ENCODED,
        shorter=midi_files.WHOLE,
    ),
    Command(
        "synth-kick",
        ("synth", "kick"),
        ".wav",
        None,
        is_wave,
        takes_several=False,
        other_suffixes=(".npy", *ENCODED),
    ),
    Command(
        "info",
        ("info",),
        "",
        SONG,
        is_told,
        takes_several=False,
        takes_audio=True,
        has_model=False,
        is_brief=True,
    ),
]


def make_weights(folder):
    """Write tiny untrained weights of every model, seeded."""
    from tests.arrange.tiny import write_tiny_arranger, write_tiny_pix2pix
    from tests.groove.tiny import write_tiny_groove
    from tests.interpolate.tiny import write_tiny_autoencoder
    from tests.kick.tiny import write_tiny_kick
    from tests.listening.tiny import write_tiny_ear
    from tests.score.tiny import write_tiny_grader
    from tests.separate.tiny import write_tiny_separator
    from tests.swirl.tiny import write_tiny_drummer
    from tests.synth.tiny import write_tiny_synth

    for feature, write in {
        "arrange": write_tiny_arranger,
        "arrange-pix2pix": write_tiny_pix2pix,
        "groove": write_tiny_groove,
        "interpolate": write_tiny_autoencoder,
        "kick": write_tiny_kick,
        "score": write_tiny_grader,
        "separate": write_tiny_separator,
        "swirl": write_tiny_drummer,
        "transcribe": write_tiny_ear,
    }.items():
        write(folder / f"{feature}.safetensors")
    write_tiny_synth(folder)
