"""drumkit: small neural models for drums, on the command line and in Python.

What a command does, the function of its name does with arrays and tracks::

    import drumkit_cli as drumkit

    song, rate = drumkit.read_audio("song.flac")   # float32 [channels, samples], and Hz
    stems = drumkit.separate(song, rate)           # {"drums": ..., "bass": ..., "other": ...}
    drums = drumkit.arrange(stems["bass"], rate)   # new drums to its bass line
    drumkit.score(drums, rate, reference=stems["drums"]).grade     # how good they are, 0 to 9
    track = drumkit.transcribe(song, rate, drums=stems["drums"])   # its own drums as MIDI
    power = drumkit.mel(drums, rate)               # mel spectrogram; drumkit.invert goes back

    track = drumkit.interpolate(drumkit.swirl(measures=8), "techno:1")
    played = drumkit.groove(track, genre="funk")   # as a drummer would play it
    drumkit.write_midi("played.mid", played)
    drumkit.write_audio("played.wav", drumkit.synth(played), 44_100)

Samples are floats with full scale at 1, ``[channels, samples]`` or ``[samples]`` for one channel. A
`Track` is a MIDI file in memory. Keyword arguments are the options of the commands, with units in
their names. A function is imported when it is first used, and its networks are loaded once a
process. What goes wrong is a `DrumkitError`: `UsageError` for an argument that cannot be,
`BadDataError` for samples, notes or files that cannot be used, `MissingInputError` for files that
are not there, `UnavailableError` for weights and devices that are not, `OutputError` for files that
cannot be made. What was skipped in a damaged file, and downloads, are reported on stderr.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from drumkit_cli.arrange.infer import arrange
    from drumkit_cli.errors import (
        BadDataError,
        DrumkitError,
        MissingInputError,
        OutputError,
        UnavailableError,
        UsageError,
    )
    from drumkit_cli.files import (
        read_audio,
        read_groove,
        read_kit,
        read_midi,
        write_audio,
        write_midi,
    )
    from drumkit_cli.grading.grader import Grade
    from drumkit_cli.groove.infer import groove
    from drumkit_cli.groove.inputs.groove_file import GrooveTable
    from drumkit_cli.info.infer import info
    from drumkit_cli.interpolate.infer import interpolate
    from drumkit_cli.kick.infer import kick
    from drumkit_cli.mel.infer import invert, mel
    from drumkit_cli.midi.map_file import read_drum_map
    from drumkit_cli.midi.track import Note, Track
    from drumkit_cli.score.infer import score
    from drumkit_cli.separate.infer import separate
    from drumkit_cli.spectral.mel_config import MelConfig
    from drumkit_cli.swirl.infer import swirl
    from drumkit_cli.synth.infer import synth
    from drumkit_cli.synth.kits.kit import Kit
    from drumkit_cli.transcribe.infer import transcribe

__version__ = "0.1.0"
__all__ = [
    "BadDataError",
    "DrumkitError",
    "Grade",
    "GrooveTable",
    "Kit",
    "MelConfig",
    "MissingInputError",
    "Note",
    "OutputError",
    "Track",
    "UnavailableError",
    "UsageError",
    "__version__",
    "arrange",
    "groove",
    "info",
    "interpolate",
    "invert",
    "kick",
    "mel",
    "read_audio",
    "read_drum_map",
    "read_groove",
    "read_kit",
    "read_midi",
    "score",
    "separate",
    "swirl",
    "synth",
    "transcribe",
    "write_audio",
    "write_midi",
]

_ERRORS: Final = [name for name in __all__ if name.endswith("Error")]
_FILES: Final = [name for name in __all__ if name.startswith(("read_", "write_"))]
_HOMES: Final = {
    **dict.fromkeys(_ERRORS, "errors"),
    **dict.fromkeys(_FILES, "files"),
    **dict.fromkeys(["Note", "Track"], "midi.track"),
    "Grade": "grading.grader",
    "GrooveTable": "groove.inputs.groove_file",
    "Kit": "synth.kits.kit",
    "MelConfig": "spectral.mel_config",
    "arrange": "arrange.infer",
    "groove": "groove.infer",
    "info": "info.infer",
    "interpolate": "interpolate.infer",
    "invert": "mel.infer",
    "kick": "kick.infer",
    "mel": "mel.infer",
    "read_drum_map": "midi.map_file",
    "score": "score.infer",
    "separate": "separate.infer",
    "swirl": "swirl.infer",
    "synth": "synth.infer",
    "transcribe": "transcribe.infer",
}
"""The module of each public name."""


class _Package(ModuleType):
    """This package, whose functions stand before the sub-packages of the same names.

    Python sets ``drumkit_cli.separate`` to the sub-package once something of it is imported, which
    would hide the function; that is not let through.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    if package := sys.modules.get(f"{__name__}.{name}"):
        # So that ``import drumkit_cli.separate.infer as infer`` finds `infer` in the function.
        value.__dict__ = vars(package)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Package
