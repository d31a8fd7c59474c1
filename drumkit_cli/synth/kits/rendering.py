"""Renders drum hits with a kit: sounds generated or read on demand, mixed to stereo by blocks.

As the paper proposes, consecutive hits differ: each plays one of a few variations of its voice's
code. Velocity selects one of a few layers of timbre, and sets the level exactly. Recordings have
layers of their own, in which they take turns. Timing is kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.parallel import concurrently
from drumkit_cli.midi.track import Note
from drumkit_cli.sounds.classes import Inverter
from drumkit_cli.sounds.codes import Code
from drumkit_cli.sounds.drum_synth import PEAK, VELOCITY_CURVE, DrumSynth
from drumkit_cli.sounds.finishing import FADE, HEADROOM_DB, finished, levelled
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.synth.kits.kit import Kit, derived_seed
from drumkit_cli.synth.kits.recordings import Recordings, read_recording
from drumkit_cli.synth.kits.voices import VOICE_OF_PITCH, VOICES

LAYERS: Final = 6
"""Timbres of a voice, by velocity."""
VARIATIONS: Final = 3
"""Variations of the sound of a voice and layer."""
LEVEL_DB: Final = 10.0
"""Largest random level change of a hit, in dB, for a `humanize` of 1."""
BLOCK: Final = 1 << 16
"""Frames mixed at a time."""
NEVER: Final = 1 << 62
"""When a sound is choked that is not."""

_NAMES: Final = tuple(VOICES)


@dataclass(frozen=True)
class Hits:
    """Hits sorted by onset, axes ``[n]``.

    Attributes:
        starts: onsets in samples.
        voices: indices into `VOICES`.
        layers, variations: indices of the sound of the voice.
        gains: linear gains, without those of the voices.
        stops: samples after the onset at which the sound is choked; `NEVER` if it is not.
    """

    starts: NDArray[np.int64]
    voices: NDArray[np.int64]
    layers: NDArray[np.int64]
    variations: NDArray[np.int64]
    gains: Floats
    stops: NDArray[np.int64]


class SoundBank:
    """The sounds of a kit by voice, layer and variation, made or read when first needed.

    They depend on the kit alone, not on what else is played.

    Attributes:
        kit: the kit.
        rate: samples a second.
        longest: samples of the longest sound so far.
    """

    def __init__(
        self,
        synth: DrumSynth | None,
        kit: Kit,
        *,
        humanize: float = 0.0,
        inverter: Inverter = Inverter.SPECTRAL,
        rate: int = MEL.rate,
    ) -> None:
        """Take a synthesiser, which may be None for a kit without codes."""
        assert synth is not None or not kit.codes
        self.kit = kit
        self.rate = rate
        self.longest = 1
        self._synth = synth
        self._humanize = humanize
        self._inverter = inverter
        self._sounds: dict[tuple[int, int], list[Floats]] = {}

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights of the synthesiser; "" without one."""
        return "" if self._synth is None else self._synth.weights_sha256

    def sound(self, voice: int, layer: int, variation: int) -> Floats:
        """Samples ``[C, n]``, mono or stereo; codes give mono that starts at once."""
        if (voice, layer) not in self._sounds:
            self._keep((voice, layer), self._make((voice, layer)))
        return self._sounds[voice, layer][variation]

    def prepare(
        self, hits: Hits, threads: int = 1, advance: Callable[[float], None] = lambda _: None
    ) -> None:
        """Make all sounds that hits need, so many at once as `concurrently` says.

        `advance` is called with shares of 1.
        """
        needed = set(zip(hits.voices.tolist(), hits.layers.tolist(), strict=True))
        missing = sorted(needed - self._sounds.keys())
        for place, made in zip(missing, concurrently(self._make, missing, threads), strict=True):
            self._keep(place, made)
            advance(1 / len(missing))

    def _keep(self, place: tuple[int, int], made: list[Floats]) -> None:
        self._sounds[place] = made
        self.longest = max(self.longest, *(samples.shape[1] for samples in made))

    def _make(self, place: tuple[int, int]) -> list[Floats]:
        voice, layer = place
        name = _NAMES[voice]
        sound = self.kit.voices[name].sound
        if isinstance(sound, Recordings):
            return [read_recording(take, self.rate) for take in sound.layers[layer]]
        return self._generate(sound, layer, derived_seed(0, name))

    def _generate(self, code: Code, layer: int, seed: int) -> list[Floats]:
        assert self._synth is not None
        space = self._synth.space
        codes = space.vary(code, self._humanize, VARIATIONS, seed) if self._humanize else [code]
        codes = [space.at_velocity(each, (layer + 1) / LAYERS) for each in codes]
        levels = [
            self._synth.levels([each], seed=seed + number) for number, each in enumerate(codes)
        ]
        made = self._synth.invert(np.concatenate(levels), self._inverter)
        sounds = [
            finished(samples, code.classes, self.rate, seed + number)
            for number, samples in enumerate(made)
        ]
        gain = np.float32(10 ** (HEADROOM_DB / 20))  # the whole mix is turned down where it must be
        return [
            gain * levelled(sound, code.classes, self.rate)[None]
            for sound, code in zip(sounds, codes, strict=True)
        ]


def read_hits(
    notes: Sequence[Note],
    kit: Kit,
    voice_of_pitch: Mapping[int, str] = VOICE_OF_PITCH,
    *,
    humanize: float = 0.0,
    seed: int = 0,
    rate: int = MEL.rate,
) -> tuple[Hits, dict[int, int]]:
    """Convert notes to hits; also returns the number of notes of each pitch without a voice.

    With `humanize` above 0, consecutive hits of a voice never play the same variation; recordings
    take turns in any case.
    """
    found: list[tuple[int, int, int]] = []
    unknown: dict[int, int] = {}
    for note in notes:
        name = voice_of_pitch.get(note.pitch)
        if name is None or name not in kit.voices:
            unknown[note.pitch] = unknown.get(note.pitch, 0) + 1
        else:
            found.append((round(note.onset_seconds * rate), _NAMES.index(name), note.velocity))
    rows = np.array(found, np.int64).reshape(-1, 3)
    starts, voices, velocities = rows[np.argsort(rows[:, 0], kind="stable")].T
    shares = velocities / 127
    generator = np.random.default_rng((seed, len(VOICES)))
    decibels = LEVEL_DB * humanize * generator.uniform(-1, 1, len(starts))
    gains = shares**VELOCITY_CURVE * 10 ** (decibels / 20)
    steps = generator.integers(1, VARIATIONS, len(starts))
    layers = np.clip(np.rint(shares * LAYERS).astype(np.int64), 1, LAYERS) - 1
    variations = _variations(voices, steps) if humanize else np.zeros_like(voices)
    for voice in np.unique(voices):
        sound = kit.voices[_NAMES[voice]].sound
        if isinstance(sound, Recordings):
            mine = voices == voice
            layers[mine], variations[mine] = _turns(sound, velocities[mine])
    stops = _stops(starts, voices, kit)
    return Hits(starts, voices, layers, variations, gains.astype(np.float32), stops), unknown


def natural_frames(hits: Hits, bank: SoundBank) -> int:
    """Length in samples, to the end of the last sound."""
    bank.prepare(hits)
    late = np.flatnonzero(hits.starts > hits.starts.max(initial=0) - bank.longest)
    ends = [int(hits.starts[n]) + _choked(hits, int(n), bank).shape[1] for n in late]
    return max(ends, default=0)


def render(hits: Hits, bank: SoundBank, frames: int) -> Iterator[Floats]:
    """Yield stereo blocks ``[2, n]`` of `frames` in all; a sound that is cut off fades out."""
    sides = {
        _NAMES.index(name): _sides(voice.gain_db, voice.pan)
        for name, voice in bank.kit.voices.items()
    }
    end = natural_frames(hits, bank)
    rest = np.zeros((2, bank.longest), np.float32)
    for start in range(0, frames, BLOCK):
        block = np.concatenate([rest, np.zeros((2, BLOCK), np.float32)], 1)
        first, last = np.searchsorted(hits.starts, (start, start + BLOCK))
        for n in range(first, last):
            sound = _choked(hits, n, bank) * hits.gains[n]
            place = int(hits.starts[n]) - start
            block[:, place : place + sound.shape[1]] += sides[int(hits.voices[n])] * sound
        rest = block[:, BLOCK:]
        ready = block[:, : min(BLOCK, frames - start)]
        if frames < end:
            left = frames - start - np.arange(ready.shape[1])
            ready = ready * np.minimum(left / _fade(bank), 1).astype(np.float32)
        yield ready


def _choked(hits: Hits, n: int, bank: SoundBank) -> Floats:
    """The sound of hit `n`, with a short fade if it is choked."""
    sound = bank.sound(int(hits.voices[n]), int(hits.layers[n]), int(hits.variations[n]))
    stop, fade = int(hits.stops[n]), _fade(bank)
    if stop >= sound.shape[1]:
        return sound
    cut = sound[:, : stop + fade].copy()
    cut[:, stop:] *= np.linspace(1, 0, fade, dtype=np.float32)[: cut.shape[1] - stop]
    return cut


def _fade(bank: SoundBank) -> int:
    return round(FADE * bank.rate / MEL.rate)


def _sides(gain_db: float, pan: float) -> Floats:
    """Linear gains ``[2, 1]`` of left and right, of constant power and equal in the middle."""
    angle = (pan + 1) * np.pi / 4
    gain = PEAK * np.sqrt(2) * 10 ** (gain_db / 20)
    return np.array([[gain * np.cos(angle)], [gain * np.sin(angle)]], np.float32)


def _variations(voices: NDArray[np.int64], steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Variation of each hit: `steps` (1 or more) further than that of its voice's last hit."""
    variations = np.zeros_like(voices)
    for voice in np.unique(voices):
        mine = voices == voice
        variations[mine] = np.cumsum(steps[mine]) % VARIATIONS
    return variations


def _turns(
    sound: Recordings, velocities: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Layer and recording of each hit of a voice: the recordings of a layer take turns."""
    layer_of = np.array([sound.layer(velocity) for velocity in range(128)])
    layers, turns = layer_of[velocities], np.zeros_like(velocities)
    for layer, takes in enumerate(sound.layers):
        mine = layers == layer
        turns[mine] = np.arange(np.count_nonzero(mine)) % len(takes)
    return layers, turns


def _stops(starts: NDArray[np.int64], voices: NDArray[np.int64], kit: Kit) -> NDArray[np.int64]:
    """Samples after which each hit is choked: by the next hit of a voice that ends its voice."""
    stops = np.full(len(starts), NEVER)
    for voice in np.unique(voices):
        enders = [_NAMES.index(name) for name in kit.voices[_NAMES[voice]].ended_by]
        if enders:
            ends = starts[np.isin(voices, enders)]
            mine = voices == voice
            following = np.searchsorted(ends, starts[mine], side="right")
            stops[mine] = np.append(ends, NEVER)[following] - starts[mine]
    return stops
