"""The broker that the contenders are measured on."""

import contextlib
import os
import subprocess
import tempfile


class NoBroker(Exception):
    """The private broker did not start; it has said why on stderr."""


class Broker:
    """Where a broker listens, and which process it is (None if unknown)."""

    def __init__(self, url, pid=None):
        self.url = url
        self.pid = pid


@contextlib.contextmanager
def private_broker(script):
    """Starts a private RabbitMQ with `script`, and ends it at the end."""
    with tempfile.TemporaryDirectory(prefix="rpc-benchmarks-") as directory:
        started = subprocess.run(
            [script, "start", directory, "--while", str(os.getpid())],
            stdout=subprocess.DEVNULL, check=False)
        if started.returncode != 0:
            raise NoBroker("the private broker did not start")
        try:
            settings = _read_settings(os.path.join(directory, "env"))
            yield Broker(settings["RPC_TEST_BROKER_URL"],
                         int(settings["RPC_TEST_BROKER_PID"]))
        finally:
            subprocess.run([script, "stop", directory], check=False)


def _read_settings(path):
    settings = {}
    with open(path) as lines:
        for line in lines:
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith("export "):
                settings[name] = value
    return settings
