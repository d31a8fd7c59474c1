"""Fit the band above 11 kHz to the sounds of DATA, and write `sounds/high_band_table.py`.

DATA holds `oneshots-44k` and perhaps `acoustic-kit`: python tools/fit_high_band.py DATA
"""

import sys
from itertools import chain
from pathlib import Path

from drumkit_cli.synth.training.high_band_fit import fit, full_band_sounds, kit_sounds

TABLE = Path(__file__).parent.parent / "drumkit_cli" / "sounds" / "high_band_table.py"
HEAD = '''"""What `high_band` predicts levels with; written by `tools/fit_high_band.py`."""

from typing import Final

HIGH_BAND: Final = (
'''
TAIL = '''
)
"""Rows of slopes for the bands below, then of constants in dB by class; columns are bands above."""
'''


def main() -> None:
    """Fit and write."""
    data = Path(sys.argv[1])
    table = fit(chain(full_band_sounds(data, "train"), kit_sounds(data)))
    rows = ["    (" + ", ".join(f"{value:.3f}" for value in row) + ")," for row in table]
    TABLE.write_text(HEAD + "\n".join(rows) + TAIL)


if __name__ == "__main__":
    main()
