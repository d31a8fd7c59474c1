"""Single sounds: codes from a class, a file or a sound, rendered as WAV or written as NPY."""

from drumkit_cli import console
from drumkit_cli.errors import UsageError
from drumkit_cli.io.arrays import Floats, npy_bytes
from drumkit_cli.io.streams import open_output
from drumkit_cli.learning.parallel import concurrently
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.codes import Code, between, to_array
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.sounds.finishing import fit_length
from drumkit_cli.synth.code_sources import Source, read_code, read_either, read_sound
from drumkit_cli.synth.kits.kit import derived_seed
from drumkit_cli.synth.render_options import RenderOptions
from drumkit_cli.synth.requests import OneShots


def make_one_shots(wanted: OneShots, output: str | None, rendering: RenderOptions) -> None:
    """Read the source, compute the codes, and write them or their sounds.

    Raises:
        UsageError: several sounds without a folder, or a class for codes that have one.
        BadDataError: an input is damaged or of the wrong kind.
        OutputError: the output cannot be made.
    """
    sources = _read(wanted)
    synth = rendering.load()
    codes = _codes(wanted, sources, synth, rendering.seed)
    if wanted.as_codes:
        with open_output(output) as sink:
            sink.write(npy_bytes(to_array(codes)))
        return
    destination = wanted.destination(output, rendering.form, len(codes))
    comment = rendering.comment(synth.weights_sha256, *(source.sha256 for source in sources))

    def play(code: Code) -> Floats:
        return synth.play(
            code,
            velocity=wanted.velocity,
            seed=rendering.seed,
            inverter=rendering.inverter,
            rate=rendering.rate,
        )

    for number, samples in enumerate(concurrently(play, codes, rendering.threads), 1):
        if rendering.length is not None:
            samples = fit_length(samples, rendering.length, rendering.rate)
        place = destination.place(wanted.name, number=str(number))
        rendering.write(place, 1, len(samples), [samples[None]], comment)


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
