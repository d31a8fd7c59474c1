"""Kits by path: JSON of ours, a folder of sounds, Hydrogen's `drumkit.xml`, or an SFZ file."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import STDIN_NAME, check_input, open_input, require_folder
from drumkit_cli.synth.code_sources import Source, read_code
from drumkit_cli.synth.kits import hydrogen
from drumkit_cli.synth.kits.kit import Kit, KitVoice, read_kit
from drumkit_cli.synth.kits.names import dynamics_named, in_order, voice_named
from drumkit_cli.synth.kits.recordings import Recordings, by_velocity
from drumkit_cli.synth.kits.sfz import read_sfz
from drumkit_cli.synth.kits.voices import VOICES

_KIT_BYTES_MAX: Final = 1 << 24


def load_kit(path: str) -> tuple[Kit, str]:
    """Read a kit; also returns the SHA-256 of its file, "" of a folder.

    Raises:
        MissingInputError: it is not there, or a sound that it names.
        BadDataError: it is no kit, or names what is not there or outside its folder.
    """
    if path != "-" and Path(path).is_dir():
        described = _description(require_folder(path))
        if described is None:
            return folder_kit(path), ""
        path = str(described)
    with open_input(path) as source:
        name = source.name
        if os.fstat(source.file.fileno()).st_size > _KIT_BYTES_MAX:
            raise BadDataError(f"{name} is too large for a kit", "give its folder, or its text")
        data, sha256 = source.read_bytes(), source.sha256()
    folder = Path() if name == STDIN_NAME else Path(name).parent
    head = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"<?xml", b"<!DOCTYPE", b"<drumkit_info")):
        kit = hydrogen.read_hydrogen(data, folder, name)
    elif b"<region>" in data.lower():
        kit = read_sfz(data, folder, name)
    else:
        kit = read_kit(data, name)
    for voice in kit.voices.values():
        for recording in voice.takes:
            check_input(recording.path)
    return kit, sha256


def read_voice(layers: Sequence[Sequence[str]]) -> tuple[Source | Recordings, list[str]]:
    """The sound of a voice: the code in a file, or recordings; and the SHA-256 of its files.

    Args:
        layers: paths from soft to hard, those of one layer taking turns.

    Raises:
        UsageError: a code and other sounds, or audio from stdin, which no kit can name.
        BadDataError: a file is neither audio nor codes.
    """
    paths = [path for layer in layers for path in layer]
    kinds, sums = [], []
    for path in paths:
        if len(paths) == 1 and path == "-":
            code = read_code(path)
            return code, [code.sha256]
        with open_input(path) as source:
            kinds.append(source.kind)
            sums.append(source.sha256())
    if Kind.NPY not in kinds:
        for path in paths:
            with open_input(path) as source, AudioReader(source):
                pass  # it is audio
        return by_velocity(layers), sums
    if len(paths) > 1:
        raise UsageError("a code plays a voice alone", "name either sounds or one code")
    code = read_code(paths[0])
    return code, [code.sha256]


def folder_kit(path: str) -> Kit:
    """A kit of the audio files in and below a folder, by the voices that their names mean.

    Files of one voice are layers from soft to hard where the names of all say how hard they were
    hit, with those that say the same taking turns; else all take turns.

    Raises:
        BadDataError: no file is of a voice.
    """
    found: dict[str, list[Path]] = {}
    for file in sorted(_files_below(Path(path)), key=lambda file: in_order(str(file))):
        voice = voice_named(file.stem) or voice_named(f"{file.parent.name} {file.stem}")
        if voice is not None and _is_audio(file):
            found.setdefault(voice, []).append(file)
    if not found:
        raise BadDataError(
            f"{path} holds no sound named as a voice", f"such as {', '.join(VOICES)}"
        )
    return Kit(
        {
            name: KitVoice(_recordings(found[name]), voice.gain_db, voice.pan, voice.ended_by)
            for name, voice in VOICES.items()
            if name in found
        }
    )


def _files_below(folder: Path) -> list[Path]:
    return [
        Path(place, name)
        for place, folders, names in os.walk(folder)
        for name in names
        if not name.startswith(".")
    ]


def _is_audio(file: Path) -> bool:
    if not file.is_file() or not file.stat().st_size:
        return False
    with open_input(str(file)) as source:
        return source.kind not in (Kind.UNKNOWN, Kind.MIDI, Kind.NPY)


def _recordings(files: Sequence[Path]) -> Recordings:
    ranks = [dynamics_named(file.stem) for file in files]
    layers: Mapping[int | None, list[str]] = {rank: [] for rank in ranks if rank is not None}
    if None in ranks:
        return by_velocity([[str(file) for file in files]])
    for file, rank in zip(files, ranks, strict=True):
        layers[rank].append(str(file))
    return by_velocity(
        [layers[rank] for rank in sorted(rank for rank in layers if rank is not None)]
    )


def _description(folder: Path) -> Path | None:
    """The file that describes the kit in a folder: Hydrogen's, or its only SFZ file."""
    if (folder / hydrogen.FILE).is_file():
        return folder / hydrogen.FILE
    found = [file for file in folder.iterdir() if file.suffix.lower() == ".sfz"]
    return found[0] if len(found) == 1 else None
