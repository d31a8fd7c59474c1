"""`drumkit serve`: the synthesiser as an instrument for other programs."""

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from drumkit_cli import console, options
from drumkit_cli.errors import OutputError, UnavailableError, UsageError
from drumkit_cli.io.outputs import refuse_other_kinds
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.spools import spool_failure
from drumkit_cli.learning.devices import Device

HOST: Final = "127.0.0.1"
PORT: Final = 8808
KEEP: Final = 64
PORT_MAX: Final = 65535
_SEND_BYTES: Final = 1 << 17
"""Room for the largest datagram where the system's default has none."""


def serve(
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Where to listen; the default is reached from this machine alone.",
        ),
    ] = HOST,
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="N", min=0, max=PORT_MAX, help="UDP port; 0 is the system's choice."
        ),
    ] = PORT,
    reply_port: Annotated[
        int | None,
        options.number(
            "--reply-port",
            "N",
            "Answer to this port of the sender's machine. [default: the one it sends from]",
            low=1,
            high=PORT_MAX,
        ),
    ] = None,
    output: Annotated[
        str | None,
        options.output(
            "Folder for the WAV files. [default: a temporary one, removed at the end]",
            metavar="DIR",
        ),
    ] = None,
    keep: Annotated[
        int,
        typer.Option(
            "--keep", metavar="N", min=1, max=1_000_000, help="Files to keep: the newest ones."
        ),
    ] = KEEP,
    latest: Annotated[
        bool,
        typer.Option(
            "--latest",
            help="Of the messages that wait with one address and class from one sender, answer "
            "only the last, as a turning knob wants it.",
        ),
    ] = False,
    weights: options.Weights = None,
    device: options.DeviceOption = Device.CPU,
    threads: options.Threads = 1,
    no_provenance: options.NoProvenance = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Play drum sounds to OSC messages, as an instrument.

    Listens on a UDP port until it is interrupted. Each message names a class of drum and three
    controls; the answer says where the WAV is, or is the WAV. The README lists the messages.
    """
    if reply_port is not None and reply_port == port:
        raise UsageError("--reply-port is the port that serve listens on itself")
    with _bound(host, port) as endpoint, _folder(output) as folder:
        address = endpoint.getsockname()

        from drumkit_cli.serve.server import FileRing, Instrument, serve_on
        from drumkit_cli.sounds.drum_synth import load_synth

        synth = load_synth(weights, device)
        comment = "" if no_provenance else Provenance(weights_sha256=synth.weights_sha256).comment()
        files = FileRing(folder, f"drumkit-{address[1]}", keep)
        instrument = Instrument(synth, files, comment)
        instrument.warm_up()
        console.detail(f"WAV files go to {folder}")
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        console.info(f"listening on udp://{shown}:{address[1]}")
        serve_on(endpoint, instrument, reply_port, latest=latest)


def _bound(host: str, port: int) -> socket.socket:
    """A UDP socket at an address; the caller closes it.

    Raises:
        UsageError: the address is empty.
        UnavailableError: there is no such address, or the port is taken or not allowed.
    """
    if not host:
        raise UsageError("--host is empty", f"the default is {HOST}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, ValueError) as failure:  # ValueError: no name that could be looked up
        raise UnavailableError(f"no address {host}", "check --host") from failure
    endpoint = socket.socket(family, kind, protocol)
    try:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        endpoint.bind(address)
    except OSError as failure:
        endpoint.close()
        remedy = "--port takes another one" if failure.errno != errno.EADDRNOTAVAIL else ""
        raise UnavailableError(
            f"cannot listen on port {port} of {host}: {os.strerror(failure.errno or 0)}", remedy
        ) from failure
    if not _is_loopback(str(address[0])):
        console.warn(f"whoever reaches {host} can use this server: it asks for no password")
    return endpoint


def _is_loopback(address: str) -> bool:
    import ipaddress

    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


@contextmanager
def _folder(output: str | None) -> Iterator[Path]:
    """The folder for the WAV files: one that was named, made if need be, or a temporary one.

    Raises:
        UsageError: its name cannot travel in a message.
        OutputError: it cannot be made or written to.
        StreamError: there is no room for a temporary one.
    """
    if output is not None:
        if not output or output == "-":
            raise UsageError("serve writes no single output", "name a folder: -o DIR")
        refuse_other_kinds(output, "name a folder: -o DIR")
        yield _checked(_made(output))
        return
    try:
        temporary = tempfile.TemporaryDirectory(prefix="drumkit-serve-")
    except OSError as failure:
        raise spool_failure("sounds", failure) from failure
    with temporary as name:
        yield _checked(Path(name).resolve())


def _made(output: str) -> Path:
    try:
        folder = Path(output).resolve()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise OutputError(f"cannot make the folder {output}: {reason}") from failure
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to the folder {output}")
    return folder


def _checked(folder: Path) -> Path:
    try:
        str(folder).encode()
    except UnicodeEncodeError as failure:
        raise UsageError(f"the folder {folder} has no UTF-8 name", "-o names another") from failure
    return folder
