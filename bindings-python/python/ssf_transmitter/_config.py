"""The file of settings, `ssf.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssf_transmitter import _native
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._receiver import Receiver

if TYPE_CHECKING:
    from os import PathLike

    from typing_extensions import Self


class Config(_native.Config):
    """The settings in a file `ssf.toml`: issuer, key, receivers by name, and what else a transmitter is told.

    >>> config = Config.from_toml('''
    ... issuer = "https://edr.example.com"
    ... [receivers.acme]
    ... okta = "https://acme.okta.com"
    ... ''')
    >>> config.receiver("acme")
    <Receiver acme.okta.com dialect=okta>

    Keys, secrets and other files that it names are read when they are needed, and not before. The page
    `docs/configuration-file.md` has all settings.

    Args:
        path: The file; without it, the nearest `ssf.toml`, in the current folder or in one around it.

    Raises:
        ConfigError: If there is no such file, or something in it is wrong; `pointer` is the key.
    """

    @known_keywords
    def __new__(cls, path: str | PathLike[str] | None = None) -> Self:
        """Read the file."""
        return super().__new__(cls, path, text=None)

    @classmethod
    @known_keywords
    def from_toml(cls, text: str) -> Self:
        """Read a text. Relative paths in it start at the current folder."""
        return super().__new__(cls, None, text=text)

    @known_keywords
    def receiver(self, name: str) -> Receiver:
        """The receiver with this name. Its secrets are read. Keep it: it holds what its deliveries share.

        Raises:
            ConfigError: If there is no such receiver, a secret cannot be read, or a setting is wrong.
        """
        return Receiver._named(self, name)  # noqa: SLF001  # of this package

    def receivers(self) -> dict[str, Receiver]:
        """All receivers by name, for a `Worker` of the outbox."""
        return {name: self.receiver(name) for name in self.receiver_names}
