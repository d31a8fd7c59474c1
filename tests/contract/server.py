"""Runs drumkit commands in forked children of one warm process: imports take the most time.

Each request is a JSON object over a UNIX socket, with the child's three standard streams as
descriptors beside it; the answers are the child's process id, then its wait status. A child
differs from `python -m drumkit_cli` only in that its imports are done.
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys


def warm_up():
    """Import what commands import, but for PyTorch: they do without it, and forks are faster."""
    for name in (
        "mmap", "pretty_midi", "pydantic.type_adapter", "scipy.signal", "soundfile", "soxr", "tqdm",
        "typer._adapters", "drumkit_cli.arrange.command", "drumkit_cli.arrange.infer",
        "drumkit_cli.audio.loudness", "drumkit_cli.audio.reader", "drumkit_cli.audio.writing",
        "drumkit_cli.cli", "drumkit_cli.grading.grader", "drumkit_cli.groove.command",
        "drumkit_cli.groove.infer", "drumkit_cli.groove.inputs.groove_file",
        "drumkit_cli.groove.inputs.number_list", "drumkit_cli.groove.inputs.reading",
        "drumkit_cli.groove.inputs.template", "drumkit_cli.info.command", "drumkit_cli.info.infer",
        "drumkit_cli.info.origin", "drumkit_cli.info.sound", "drumkit_cli.info.text",
        "drumkit_cli.interpolate.command", "drumkit_cli.interpolate.infer",
        "drumkit_cli.interpolate.sources", "drumkit_cli.io.arrays", "drumkit_cli.kick.command",
        "drumkit_cli.kick.ear", "drumkit_cli.kick.infer", "drumkit_cli.kick.results",
        "drumkit_cli.kick.sources", "drumkit_cli.learning.checkpoint", "drumkit_cli.mel.command",
        "drumkit_cli.mel.infer", "drumkit_cli.midi.pretty", "drumkit_cli.patterns.drum_file",
        "drumkit_cli.score.command", "drumkit_cli.score.reports", "drumkit_cli.separate.command",
        "drumkit_cli.separate.infer", "drumkit_cli.separate.pretrained",
        "drumkit_cli.separate.results", "drumkit_cli.sounds.drum_synth",
        "drumkit_cli.spectral.griffin_lim", "drumkit_cli.spectral.mel_spectrogram",
        "drumkit_cli.swirl.command", "drumkit_cli.swirl.infer", "drumkit_cli.synth.command",
        "drumkit_cli.synth.infer", "drumkit_cli.synth.kits.loading",
        "drumkit_cli.synth.kits.midi_player", "drumkit_cli.synth.one_shots",
        "drumkit_cli.transcribe.command", "drumkit_cli.transcribe.infer",
        "drumkit_cli.transcribe.texts",
    ):  # fmt: skip
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # children need not copy what they never collect


def run_child(request, descriptors):
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
    os.closerange(3, 256)
    os.chdir(request["folder"])
    os.environ.update(request["environment"])
    if request["file_bytes_max"] is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_bytes_max"],) * 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout = open(1, "w", closefd=False)
    sys.stderr = open(2, "w", closefd=False, buffering=1)
    sys.argv = ["drumkit", *request["arguments"]]
    from drumkit_cli.cli import main

    try:
        main()
    except SystemExit as end:
        status = end.code
    try:
        sys.stdout.flush()
    except OSError:
        status = 120  # what the interpreter's own end gives
    os._exit(status or 0)


def serve(path):
    warm_up()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            with connection:
                data, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 3)
                child = os.fork()
                if child == 0:
                    try:
                        run_child(json.loads(data), descriptors)
                    finally:
                        os._exit(119)
                for descriptor in descriptors:
                    os.close(descriptor)
                connection.sendall(f"{child}\n".encode())
                _, status = os.waitpid(child, 0)
                connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    serve(sys.argv[1])
