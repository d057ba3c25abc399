"""The settings file while somebody edits it: whether it may be read again."""

from __future__ import annotations

from asapfill.clock import Clock
from asapfill.core.errors import ConfigurationError
from asapfill.settings.settings import Settings
from asapfill.settings.toml_file import read_text
from asapfill.stillness import STILL, STILL_WHEN_LESS, Stillness, leaves_out


class SettingsEdit:
    """The settings file, perhaps being written, beside the settings in force: half of it may be valid, too.

    ``in_force``: the settings by which offices are served. ``asked``: whether somebody waits for it to be read again.
    """

    def __init__(self, in_force: Settings, clock: Clock) -> None:
        self.in_force = in_force
        self._stillness = Stillness(clock)
        self._text: str | None = None
        self.asked = False

    def seconds(self) -> float:
        """For how long the file must still be as it is before it may be read; 0 or less: it may be now."""
        first = self._text is None
        try:
            self._text = read_text(self.in_force.path)
        except (ConfigurationError, FileNotFoundError):
            self._text = ""
            return 0.0  # whoever reads it as settings says what is wrong
        still = self._stillness.seconds(self.in_force.path, self._text.encode(), first=first)
        if self._text == self.in_force.text:
            return 0.0
        return (STILL_WHEN_LESS if leaves_out(self.in_force.text, self._text) else STILL) - still

    def is_known(self, settings: Settings) -> bool:
        """Whether these settings have the content that was last looked at."""
        return settings.text == self._text
