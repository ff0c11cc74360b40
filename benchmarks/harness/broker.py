"""The broker that the contenders are measured on."""

import contextlib
import dataclasses
import os
import socket
import subprocess
import tempfile

from harness import certificates


class NoBroker(Exception):
    """The private broker did not start; it has said why on stderr."""


@dataclasses.dataclass(frozen=True)
class Broker:
    """Where a broker listens, and which process it is; None if unknown."""
    url: str
    pid: int = None
    # For amqps://, and who signed the certificate that it shows there.
    tls_url: str = None
    ca_file: str = None


@contextlib.contextmanager
def private_broker(script, tls=False):
    """Starts a private RabbitMQ with `script`, and ends it at the end."""
    with tempfile.TemporaryDirectory(prefix="rpc-benchmarks-") as directory:
        node = os.path.join(directory, "node")
        command = [script, "start", node, "--while", str(os.getpid())]
        encrypted = {}
        if tls:
            config, encrypted = _tls(directory)
            command += ["--config", config]
        started = subprocess.run(command, stdout=subprocess.DEVNULL,
                                 check=False)
        if started.returncode != 0:
            raise NoBroker("the private broker did not start")
        try:
            settings = _read_settings(os.path.join(node, "env"))
            yield Broker(settings["RPC_TEST_BROKER_URL"],
                         int(settings["RPC_TEST_BROKER_PID"]), **encrypted)
        finally:
            subprocess.run([script, "stop", node], check=False)


def _tls(directory):
    """A file of RabbitMQ's configuration, and what it says about the broker."""
    try:
        files = certificates.make(directory)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoBroker(f"no certificates for TLS: {error}") from None
    port = _free_port()
    path = os.path.join(directory, "tls.conf")
    with open(path, "w") as config:
        config.write(f"listeners.ssl.1 = 127.0.0.1:{port}\n"
                     f"ssl_options.cacertfile = {files.authority}\n"
                     f"ssl_options.certfile = {files.certificate}\n"
                     f"ssl_options.keyfile = {files.key}\n"
                     "ssl_options.verify = verify_none\n"
                     "ssl_options.fail_if_no_peer_cert = false\n")
    return path, {"tls_url": f"amqps://guest:guest@localhost:{port}/",
                  "ca_file": files.authority}


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _read_settings(path):
    settings = {}
    with open(path) as lines:
        for line in lines:
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith("export "):
                settings[name] = value
    return settings
