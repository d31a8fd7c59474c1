"""Single sounds: codes from a class, a file or a sound, rendered as WAV or written as NPY."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drumkit_cli import console
from drumkit_cli.errors import UsageError
from drumkit_cli.io.arrays import npy_bytes
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.streams import STDIN_NAME, open_output
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.codes import Code, between, to_array
from drumkit_cli.sounds.drum_synth import DrumSynth, fit_length
from drumkit_cli.synth.code_sources import Source, read_code, read_either, read_sound
from drumkit_cli.synth.kits.kit import derived_seed
from drumkit_cli.synth.render_options import RenderOptions

STEPS: Final = 8
"""Default number of steps of a morph, both ends included."""


@dataclass(frozen=True)
class OneShots:
    """A request for single sounds; at most one of `controls`, `z`, `sample` and `ends` is given.

    Attributes:
        sound: name of the class; None where the source determines it.
        controls: P1, P2, P3 in the class.
        z: path of a file of codes.
        sample: path of a sound to encode.
        ends: paths of two sounds or codes to morph between.
        number: number of sounds, variations or steps; None for the default.
        vary: amount of variation; None for none.
        velocity: 0..1.
        as_codes: write an array of codes, not sounds.
    """

    sound: str | None
    controls: tuple[float, float, float] | None
    z: str | None
    sample: str | None
    ends: tuple[str, str] | None
    number: int | None
    vary: float | None
    velocity: float
    as_codes: bool

    @property
    def count(self) -> int | None:
        """Number of sounds; None where a file of codes determines it."""
        if self.ends is not None:
            return self.number or STEPS
        return None if self.z is not None else self.number or 1

    @property
    def files(self) -> list[str]:
        """Paths of the inputs."""
        return [path for path in (self.z, self.sample, *(self.ends or ())) if path is not None]

    @property
    def name(self) -> str:
        """Name that outputs in a folder are derived from."""
        if self.ends is not None:
            return "-to-".join("stdin" if end == "-" else Path(end).stem for end in self.ends)
        name = next(iter(self.files), self.sound or "")
        return STDIN_NAME if name == "-" else name


def make_one_shots(wanted: OneShots, output: str | None, rendering: RenderOptions) -> None:
    """Read the source, compute the codes, and write them or their sounds.

    Raises:
        UsageError: several sounds without a folder, or a class for codes that have one.
        BadDataError: an input is damaged or of the wrong kind.
        OutputError: the output cannot be made.
    """
    destination = Destination(output, ".npy" if wanted.as_codes else ".wav", "{song}-{number}")
    _check(wanted, destination, wanted.count)
    sources = _read(wanted)
    synth = rendering.load()
    codes = _codes(wanted, sources, synth, rendering.seed)
    if wanted.as_codes:
        with open_output(output) as sink:
            sink.write(npy_bytes(to_array(codes)))
        return
    _check(wanted, destination, len(codes))
    comment = rendering.comment(synth, *(source.sha256 for source in sources))
    for number, code in enumerate(codes, 1):
        samples = synth.play(
            code, velocity=wanted.velocity, seed=rendering.seed, inverter=rendering.inverter
        )
        if rendering.length is not None:
            samples = fit_length(samples, rendering.length)
        place = destination.place(wanted.name, number=str(number))
        rendering.write(place, 1, len(samples), [samples[None]], comment)


def _check(wanted: OneShots, destination: Destination, count: int | None) -> None:
    """Refuse an output that cannot hold this many sounds (None: not known yet)."""
    if not (wanted.as_codes or destination.is_folder) and (count or 1) > 1:
        raise UsageError(f"{count} sounds need a folder", "-o DIR, or their codes: -o FILE.npy")
    fields = [{"number": str(number)} for number in range(1, (count or 1) + 1)]
    destination.check([wanted.name], *fields, references=wanted.files)


def _read(wanted: OneShots) -> list[Source]:
    if wanted.z is not None:
        return [read_code(wanted.z)]
    if wanted.sample is not None:
        return [read_sound(wanted.sample)]
    ends = [read_either(end) for end in wanted.ends or ()]
    if wanted.sound and ends and not any(end.is_sound for end in ends):
        raise UsageError("these codes have their classes", f"leave {wanted.sound} out")
    return ends


def _codes(wanted: OneShots, sources: list[Source], synth: DrumSynth, seed: int) -> list[Code]:
    """The codes that were requested."""
    space, sound, number = synth.space, wanted.sound, wanted.number or 1
    if wanted.ends is not None:
        first, last = (source.code(synth, sound) for source in sources)
        codes, number = between(first, last, wanted.count or 1), 1
    elif sources:
        codes = sources[0].codes(synth, sound)
        if sources[0].is_sound:
            name = CLASSES[int(codes[0].classes.argmax())]
            controls = " ".join(f"{number:.2f}" for number in space.controls(codes[0]))
            console.detail(f"{sources[0].name}: encoded as {name}, near --pc {controls}")
    elif wanted.controls is not None:
        codes = [space.from_controls(sound or "", wanted.controls)]
    else:
        codes = space.sample(sound or "", number if wanted.vary is None else 1, seed)
    if wanted.vary is None:
        return codes
    chance = derived_seed(seed, "vary")
    return [each for code in codes for each in space.vary(code, wanted.vary, number, chance)]
