"""`drumkit groove`: a stiff drum track in, a played one out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.batch.inputs import gather
from drumkit_cli.batch.run import each
from drumkit_cli.errors import UsageError
from drumkit_cli.groove.inputs.performance import (
    DENSITY_RANGE,
    DYNAMICS,
    FEEL_RANGE,
    FEEL_VALUES,
    VELOCITY_RANGE,
    Controls,
    Genre,
)
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import open_output, write_text
from drumkit_cli.learning.devices import Device
from drumkit_cli.midi.drum_maps import DRUM_MAPS
from drumkit_cli.midi.selection import Selection, parse_selection
from drumkit_cli.patterns.names import check_song

if TYPE_CHECKING:
    from drumkit_cli.groove.groover import Groover
    from drumkit_cli.groove.infer import Like
    from drumkit_cli.groove.inputs.reading import Likeness
    from drumkit_cli.midi.map_file import DrumMap

VARIATIONS_MAX = 1000


@dataclass(frozen=True)
class Job:
    """Everything about a run that is not the input."""

    destination: Destination
    controls: Controls
    like: Likeness | None
    variations: int | None
    part: Selection
    drum_map: DrumMap | None
    provenance: bool

    def fields(self) -> list[dict[str, str]]:
        """Of the names of one input's outputs."""
        if self.variations is None:
            return [{}]
        return [{"variation": str(number)} for number in range(1, self.variations + 1)]


def groove(
    files: options.Songs = None,
    output: Annotated[
        str | None,
        options.output(
            "A .mid file, or a folder that gets one file an input (with --extract, .groove). "
            "[default: stdout]"
        ),
    ] = None,
    genre: Annotated[
        Genre | None,
        typer.Option("--genre", show_default=False, help="Play it as this. [default: any]"),
    ] = None,
    like: Annotated[
        str | None,
        options.text(
            "--like",
            "REF",
            "Take over the groove of a MIDI file: its ghost notes, dynamics and timing. Of a "
            ".groove file: dynamics and timing where it has a value; the model plays the rest.",
        ),
    ] = None,
    velocity_pattern: Annotated[
        str | None,
        options.text(
            "--velocity-pattern",
            "LIST",
            "How loud the cymbals are at each sixteenth, 1 (soft) to 5 (loud), 0 left open: "
            "5,2,4,2 or a file of numbers; it repeats.",
        ),
    ] = None,
    feel: Annotated[
        str | None,
        options.text(
            "--feel",
            "FEEL",
            "pushed, on or laidback; or how late each sixteenth is, -1 (pushed) to 1 "
            "(laidback): 0,1,0,-1 or a file of numbers; it repeats.",
        ),
    ] = None,
    swing: Annotated[
        float | None,
        options.number(
            "--swing",
            "SWING",
            "0 (straight) to 1 (triplets), of sixteenths or, where there are none, of eighths. "
            "[default: the template's]",
            low=0.0,
            high=1.0,
        ),
    ] = None,
    dynamics: Annotated[
        float,
        options.share(
            "--dynamics",
            "How strongly accents shape the template's own velocities (0: not at all).",
        ),
    ] = DYNAMICS,
    density: Annotated[
        float | None,
        options.number(
            "--density",
            "DENSITY",
            "Notes added (to 1) or left out (to -1) for each there is. [default: likely, to 0.5]",
            low=DENSITY_RANGE[0],
            high=DENSITY_RANGE[1],
        ),
    ] = None,
    keep_notes: Annotated[
        bool, typer.Option("--keep-notes", help="Add and leave out no note; as --density 0.")
    ] = False,
    only: Annotated[
        str | None,
        options.text(
            "--only",
            "DRUMS",
            "Play these drums, such as closed-hat,open-hat, and leave the others as they are.",
        ),
    ] = None,
    amount: Annotated[
        float,
        options.share("--amount", "How far to go from the template (0: as it is) to the groove."),
    ] = 1.0,
    timing: Annotated[
        float,
        options.share(
            "--timing", "The same for the timing alone (0: where the template's notes are)."
        ),
    ] = 1.0,
    velocity: Annotated[
        float,
        options.share(
            "--velocity", "The same for how loud notes are alone (0: as they are, and none added)."
        ),
    ] = 1.0,
    variations: Annotated[
        int | None,
        options.number(
            "--variations",
            "N",
            "Make N different ones, NAME-1.mid, NAME-2.mid, ... in the folder of -o.",
            low=1,
            high=VARIATIONS_MAX,
        ),
    ] = None,
    extract: Annotated[
        bool,
        typer.Option(
            "--extract", help="Write the groove of MIDI files as text, which --like takes."
        ),
    ] = False,
    bars: options.Bars = None,
    voices: options.Voices = None,
    drum_map: options.DrumMap = None,
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
    """Play a stiff drum track as a drummer would.

    Takes MIDI with drums on channel 10, a beat of kick, snare and cymbals perhaps; gives it with
    ghost notes and cymbals added, with dynamics around the velocities that it has, and with timing
    around its grid and its swing, by half a sixteenth at most. All else in the file stays as it is:
    tempo, other tracks, other drums, a pickup and single measures of another meter. The whole input
    is read before any is written.
    """
    from drumkit_cli.midi.map_file import read_drum_map

    inputs = gather(files, Kind.MIDI)
    references = [path for path in (like, velocity_pattern, feel) if path is not None]
    if drum_map is not None and drum_map not in DRUM_MAPS:
        references.append(drum_map)
    if [*inputs, *references].count("-") > 1:
        raise UsageError("stdin (-) can be read only once")
    part = parse_selection(bars, voices)
    pitches = None if drum_map is None else read_drum_map(drum_map)
    if extract:
        given = (genre, like, velocity_pattern, feel, swing, density, only, variations)
        shares = (keep_notes, dynamics, amount, timing, velocity)
        plain = shares == (False, DYNAMICS, 1.0, 1.0, 1.0)
        if not plain or any(option is not None for option in given):
            raise UsageError("--extract only reads a groove", "leave the options of playing out")
        _extract(inputs, output, part, pitches, provenance=not no_provenance)
        return
    template = "{song}" if variations is None else "{song}-{variation}"
    destination = Destination(output, ".mid", template)
    if variations is not None and not destination.is_folder:
        raise UsageError("several variations need a folder", "-o DIR")
    if keep_notes and density is not None:
        raise UsageError("--keep-notes is --density 0", "give one of them")
    controls = Controls(
        genre=None if genre is None else genre.in_model,
        velocity_pattern=_read_pattern(velocity_pattern),
        feel=_read_feel(feel),
        density=0.0 if keep_notes else density,
        dynamics=dynamics,
        swing=swing,
        only=_read_only(only),
        amount=amount,
        timing=timing,
        velocity=velocity,
        seed=seed,
    )
    job = Job(destination, controls, None, variations, part, pitches, not no_provenance)
    destination.check(inputs, *job.fields(), references=references)
    if like is not None:
        check_song(like)
        from drumkit_cli.groove.inputs.reading import read_likeness

        job = replace(job, like=read_likeness(like, pitches))

    @cache
    def load() -> tuple[Groover, Like]:
        from drumkit_cli.groove.groover import Groover
        from drumkit_cli.groove.infer import prepare
        from drumkit_cli.learning.models import load_model

        groover = load_model(Groover, "groove", weights, device)
        return groover, prepare(groover, None if job.like is None else job.like.groove)

    each(inputs, lambda path: _groove_one(path, job, load), destination)


def _read_pattern(velocity_pattern: str | None) -> tuple[int, ...]:
    if velocity_pattern is None:
        return ()
    from drumkit_cli.groove.inputs.number_list import read_number_list

    levels = read_number_list(velocity_pattern, "--velocity-pattern", *VELOCITY_RANGE, whole=True)
    return tuple(map(int, levels))


def _read_feel(feel: str | None) -> tuple[float, ...]:
    if feel is None:
        return ()
    if feel in FEEL_VALUES:
        return (FEEL_VALUES[feel],)
    from drumkit_cli.groove.inputs.number_list import read_number_list

    return read_number_list(feel, "--feel", *FEEL_RANGE, words=tuple(FEEL_VALUES))


def _read_only(only: str | None) -> tuple[int, ...]:
    if only is None:
        return ()
    from drumkit_cli.groove.inputs.groove_file import read_drums

    return read_drums(only)


def _groove_one(path: str, job: Job, load: Callable[[], tuple[Groover, Like]]) -> None:
    check_song(path)
    from drumkit_cli.groove.inputs.reading import read_song_template

    template, name, sha256 = read_song_template(path, job.part, job.drum_map)
    groover, like = load()
    from drumkit_cli.groove import infer
    from drumkit_cli.midi.files import write_midi

    comment = ""
    if job.provenance:
        sums = ",".join(filter(None, [sha256, job.like.sha256 if job.like else ""]))
        comment = Provenance(job.controls.seed, groover.weights_sha256, sums).comment()
    for variation, fields in enumerate(job.fields()):
        controls = replace(job.controls, variation=variation)
        with console.progress(1, name) as bar:
            track = infer.play(template, groover, controls, like, bar.advance)
        with open_output(job.destination.place(name, **fields)) as sink:
            sink.write(write_midi(track, comment))


def _extract(
    inputs: Sequence[str],
    output: str | None,
    part: Selection,
    drum_map: DrumMap | None,
    *,
    provenance: bool,
) -> None:
    destination = Destination(output, ".groove")
    destination.check(inputs)

    def extract_one(path: str) -> None:
        check_song(path)
        from drumkit_cli.groove.inputs.groove_file import extract_groove, write_groove
        from drumkit_cli.groove.inputs.reading import read_song_template

        template, name, sha256 = read_song_template(path, part, drum_map)

        comment = Provenance(input_sha256=sha256).comment() if provenance else ""
        write_text(
            write_groove(extract_groove(template.performance), comment), destination.place(name)
        )

    each(inputs, extract_one, destination)
