"""Defaults and bounds of sounds; light, so that the command can check them early."""

from typing import Final

GAIN_MAX_DB: Final = 60.0
HUMANIZE: Final = 0.1
LENGTH_MAX_SECONDS: Final = 86_400.0
ONE_SHOT_MAX_SECONDS: Final = 60.0
