"""Certificates of a run's own, for a broker that speaks TLS."""

import dataclasses
import os
import subprocess

_DAYS = "2"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclasses.dataclass(frozen=True)
class Certificates:
    """PEM files: an authority, and what it signed for localhost."""
    authority: str
    certificate: str
    key: str


def make(directory):
    """Makes an authority and a certificate with EC keys in `directory`."""
    paths = {name: os.path.join(directory, name) for name in (
        "ca.pem", "ca.key", "server.pem", "server.key", "server.csr", "names")}
    with open(paths["names"], "w") as names:
        names.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    _openssl("req", "-x509", *_KEY, "-days", _DAYS, "-subj", "/CN=benchmarks",
             "-keyout", paths["ca.key"], "-out", paths["ca.pem"])
    _openssl("req", *_KEY, "-subj", "/CN=localhost",
             "-keyout", paths["server.key"], "-out", paths["server.csr"])
    _openssl("x509", "-req", "-in", paths["server.csr"], "-CA", paths["ca.pem"],
             "-CAkey", paths["ca.key"], "-CAcreateserial", "-days", _DAYS,
             "-extfile", paths["names"], "-out", paths["server.pem"])
    return Certificates(paths["ca.pem"], paths["server.pem"],
                        paths["server.key"])


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
