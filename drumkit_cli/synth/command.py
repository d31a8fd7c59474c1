"""`drumkit synth`: drum sounds from codes, and drum tracks played with them."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from drumkit_cli import options
from drumkit_cli.arguments import RATE
from drumkit_cli.audio.encoding import Encoding, format_of
from drumkit_cli.batch.inputs import gather
from drumkit_cli.errors import UsageError
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import check_input
from drumkit_cli.learning.devices import Device
from drumkit_cli.midi.map_file import read_drum_map
from drumkit_cli.midi.selection import parse_selection
from drumkit_cli.patterns.names import check_song
from drumkit_cli.sounds.classes import CLASSES, Inverter
from drumkit_cli.synth.requests import (
    HUMANIZE,
    LENGTH_MAX_SECONDS,
    ONE_SHOT_MAX_SECONDS,
    KitChoice,
    OneShots,
)

NUMBER_MAX = 1000
VARY_MAX = 10.0


def synth(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CLASS|FILE",
            show_default=False,
            help=f"A class of sounds ({', '.join(CLASSES)}); or MIDI files to play, or patterns "
            "that ship, such as techno:3: - is stdin, which is also read when nothing is named. A "
            "file called as a class is ./kick.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        options.output(
            "A .wav, .flac, .ogg or .mp3 file; a folder that gets one file an input, or "
            "NAME-1.wav, NAME-2.wav, "
            "... of sounds; a .npy file for the codes of sounds. [default: stdout]"
        ),
    ] = None,
    pc: Annotated[
        tuple[float, float, float] | None,
        typer.Option(
            "--pc",
            metavar="P1 P2 P3",
            show_default=False,
            help="The sound of the class at these controls, in deviations; 0 0 0 is its middle.",
        ),
    ] = None,
    z: Annotated[
        str | None, options.text("--z", "FILE", "The sounds of codes, an NPY file; - is stdin.")
    ] = None,
    encode: Annotated[
        str | None,
        options.text(
            "--encode",
            "SAMPLE",
            "The code of a sound, as NPY; with --vary, or into a .wav or a folder, its sound. "
            "Of the class, or of the one that fits best.",
        ),
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--between",
            metavar="A B",
            show_default=False,
            help="-n steps from one sound to another, both included; each is audio or a code.",
        ),
    ] = None,
    vary: Annotated[
        float | None,
        options.number(
            "--vary",
            "AMOUNT",
            "Sounds around it: 1 is as far as two of its class are apart.",
            low=0.0,
            high=VARY_MAX,
        ),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--number",
            metavar="N",
            min=1,
            max=NUMBER_MAX,
            show_default=False,
            help="How many sounds, variations or steps. [default: 1; --between: 8]",
        ),
    ] = None,
    velocity: Annotated[
        float | None,
        options.number(
            "--velocity",
            "V",
            "How hard a sound is hit: softer is quieter and duller. [default: 1]",
            low=0.0,
            high=1.0,
        ),
    ] = None,
    kit: Annotated[
        str | None,
        options.text(
            "--kit",
            "PATH",
            "Play this kit: a saved one, a folder of sounds named as voices, or a kit of Hydrogen "
            "(drumkit.xml) or SFZ. [default: one drawn from --seed]",
        ),
    ] = None,
    save_kit: Annotated[
        str | None,
        options.text("--save-kit", "FILE", "Write the kit that plays to this .json file."),
    ] = None,
    voice: Annotated[
        list[str] | None,
        options.text(
            "--voice",
            "VOICE=FILE",
            "Play a voice of the kit with this sound, or this code, an NPY file. Several sounds, "
            "commas between, go from soft to hard; those of a repeated --voice take turns.",
        ),
    ] = None,
    gain: Annotated[
        list[str] | None,
        options.text(
            "--gain", "VOICE=DB", "Level of a voice, by peaks; the kick has 0; repeatable."
        ),
    ] = None,
    pan: Annotated[
        list[str] | None,
        options.text("--pan", "VOICE=P", "Place of a voice, -1 (left) to 1 (right); repeatable."),
    ] = None,
    humanize: Annotated[
        float | None,
        options.number(
            "--humanize",
            "SHARE",
            "How much hits differ in sound and level; 0: not at all. [default: 0.1]",
            low=0.0,
            high=1.0,
        ),
    ] = None,
    bars: options.Bars = None,
    voices: options.Voices = None,
    drum_map: options.DrumMap = None,
    length: Annotated[
        float | None,
        options.number(
            "--length",
            "SECONDS",
            "Cut or lengthen the output. [default: to where it ends]",
            low=0.001,
            high=LENGTH_MAX_SECONDS,
        ),
    ] = None,
    inverter: Annotated[
        Inverter | None,
        typer.Option(
            "--inverter",
            show_default=False,
            help="What makes spectrograms audible. [default: spectral]",
        ),
    ] = None,
    form: options.FormatOption = None,
    encoding: options.EncodingOption = Encoding.FLOAT32,
    rate: options.Rate = None,
    seed: options.Seed = 0,
    weights: options.Weights = None,
    device: options.DeviceOption = Device.CPU,
    threads: options.Threads = 1,
    no_provenance: options.NoProvenance = False,
    recursive: options.Recursive = False,
    from_file: options.FromFile = None,
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    force: options.Force = False,
    lines: options.FileJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make drum sounds, or play a drum track with a kit of them.

    With a CLASS, --z, --encode or --between it makes single sounds: mono WAV at 44,100 Hz, of at
    most a second. Else it plays MIDI: the notes on channel 10, or all where a file has none there,
    with a kit of 19 voices, as stereo WAV at 44,100 Hz.
    A track is played to its end before any of it is written, since it is scaled to fit.
    """
    sources = {"--pc": pc, "--z": z, "--encode": encode, "--between": between}
    if not all(map(math.isfinite, pc or ())):
        raise UsageError("--pc must be finite")
    of_sounds = {**sources, "--vary": vary, "-n": number, "--velocity": velocity}
    of_songs = {
        "--kit": kit,
        "--save-kit": save_kit,
        "--voice": voice,
        "--gain": gain,
        "--pan": pan,
        "--humanize": humanize,
        "--bars": bars,
        "--voices": voices,
        "--map": drum_map,
        "--recursive": recursive or None,
        "--from-file": from_file,
        "--jobs": None if jobs == 1 else jobs,
        "--cluster": cluster,
        "--force": force or None,
        "--json": lines or None,
    }
    is_sound = any(value is not None for value in sources.values()) or any(
        name in CLASSES for name in inputs or []
    )
    written = format_of(output, form)
    if is_sound:
        _refuse(of_songs, "plays drum tracks, not single sounds", "give MIDI files and no class")
        _check_sources(inputs or [], sources, vary, number)
        as_codes = _gives_codes(output, encode, vary)
        if as_codes:
            of_samples = {
                "--velocity": velocity,
                "--length": length,
                "--inverter": inverter,
                "--rate": rate,
                "--format": form,
            }
            _refuse(of_samples, "is of sounds and this gives codes", "-o FILE.wav")
        elif length is not None and length > ONE_SHOT_MAX_SECONDS:
            raise UsageError(f"--length of a sound is at most {ONE_SHOT_MAX_SECONDS:g} seconds")
        loudness = 1.0 if velocity is None else velocity
        sound = inputs[0] if inputs else None
        wanted = OneShots(sound, pc, z, encode, between, number, vary, loudness, as_codes)
        wanted.destination(output, written, wanted.count)
        for path in wanted.files:
            check_input(path)
    else:
        _refuse(of_sounds, "is of single sounds, not of drum tracks", f"name one: {CLASSES[0]}")
        files = gather(inputs, Kind.MIDI)
        share = HUMANIZE if humanize is None else humanize
        choice = KitChoice.parse(kit, save_kit, voice or [], gain or [], pan or [], share)
        destination = choice.destination(files, output, written, drum_map)
        for path in choice.files:
            check_input(path)
        if len(files) == 1:
            check_song(files[0])
        part = parse_selection(bars, voices)
        pitches = None if drum_map is None else read_drum_map(drum_map)

    written.require_rate(rate or RATE)

    from drumkit_cli.synth.render_options import RenderOptions

    rendering = RenderOptions(
        inverter=inverter or Inverter.SPECTRAL,
        form=written,
        encoding=encoding,
        rate=rate or RATE,
        length_seconds=length,
        seed=seed,
        weights=weights,
        device=device,
        threads=threads,
        provenance=not no_provenance,
    )
    if is_sound:
        from drumkit_cli.synth.one_shots import make_one_shots

        make_one_shots(wanted, output, rendering)
    else:
        from drumkit_cli.synth.kits.midi_player import play_songs

        play_songs(files, destination, choice, rendering, part, pitches)


def _check_sources(
    names: Sequence[str], sources: Mapping[str, object], vary: float | None, number: int | None
) -> None:
    """Refuse what does not go together in a request for single sounds."""
    given = [option for option, value in sources.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} do not go together", "take one of them")
    source = given[0] if given else None
    for name in names:
        if name not in CLASSES:
            raise UsageError(f"no class {name}", f"one of {', '.join(CLASSES)}")
    if len(names) > 1:
        raise UsageError(f"{names[0]} and {names[1]}: one class at a time", "a file is ./kick")
    if source == "--pc" and not names:
        raise UsageError("--pc needs a class", "drumkit synth kick --pc 0 0 0")
    if source == "--z" and names:
        raise UsageError("the codes of --z have their classes", f"leave {names[0]} out")
    if sources["--between"] == ("-", "-"):
        raise UsageError("stdin (-) can be read only once")
    if number is not None and source in ("--pc", "--z", "--encode") and vary is None:
        raise UsageError(f"-n with {source} needs --vary", "or they would be all the same")


def _gives_codes(output: str | None, encode: str | None, vary: float | None) -> bool:
    """Whether the output is an array: as its name says, and that of encoding alone."""
    if output is None or output == "-":
        return encode is not None and vary is None
    return output.lower().endswith(".npy")


def _refuse(given: Mapping[str, object], why: str, remedy: str) -> None:
    """Refuse options of another job."""
    for option, value in given.items():
        if value is not None and value != []:
            raise UsageError(f"{option} {why}", remedy)
