"""Options of rendering and of WAV output that single sounds and drum tracks share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drumkit_cli.audio.encoding import Encoding, Format
from drumkit_cli.audio.writing import open_writer
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.streams import open_output
from drumkit_cli.sounds.classes import Inverter
from drumkit_cli.sounds.drum_synth import DrumSynth, load_synth

if TYPE_CHECKING:
    from drumkit_cli.learning.devices import Device


@dataclass(frozen=True)
class RenderOptions:
    """How sounds are rendered and written; `length_seconds` is None for their natural length."""

    inverter: Inverter
    form: Format
    encoding: Encoding
    rate: int
    length_seconds: float | None
    seed: int
    weights: str | None
    device: Device
    threads: int
    provenance: bool

    @property
    def length(self) -> int | None:
        """The requested length in samples."""
        seconds = self.length_seconds
        return None if seconds is None else max(round(seconds * self.rate), 1)

    def load(self) -> DrumSynth:
        """Load the networks that the inverter needs; raises as `load_synth`."""
        return load_synth(self.weights, self.device, self.inverter)

    def comment(self, weights_sha256: str, *sha256: str) -> str:
        """Provenance of an output with the SHA-256 of its inputs; "" if it is switched off."""
        if not self.provenance:
            return ""
        return Provenance(self.seed, weights_sha256, ",".join(sha256)).comment()

    def write(
        self, place: str | None, channels: int, frames: int, blocks: Iterable[Floats], comment: str
    ) -> None:
        """Write blocks ``[C, n]`` of `frames` in all."""
        with (
            open_output(place) as sink,
            open_writer(
                sink,
                self.form,
                self.rate,
                channels,
                frames=frames,
                encoding=self.encoding,
                comment=comment,
            ) as writer,
        ):
            for block in blocks:
                writer.write(block)
