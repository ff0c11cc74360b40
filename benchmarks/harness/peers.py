"""Clients of other makers, built where what they need is installed."""

import os
import subprocess

from harness.programs import RunFailed

_SOURCES = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")
_GO_PATH = "/usr/share/gocode"
_JARS = ("/usr/share/java/amqp-client.jar", "/usr/share/java/slf4j-api.jar")


def build(directory):
    """Builds into `directory` those whose libraries are installed."""
    for name, builder in (("go", _build_go), ("java", _build_java)):
        try:
            builder(directory)
        except (OSError, subprocess.CalledProcessError) as error:
            raise RunFailed(f"building the {name} peer failed: {error}"
                            ) from None
    _link_python(directory)


def _build_go(directory):
    if not (os.path.exists("/usr/bin/go") and os.path.exists(
            f"{_GO_PATH}/src/github.com/rabbitmq/amqp091-go")):
        return
    environment = dict(os.environ, GO111MODULE="off", GOPATH=_GO_PATH,
                       GOCACHE=os.path.join(directory, "go-cache"),
                       GOFLAGS="")
    for program in ("go_client", "go_server"):
        subprocess.run(
            ["/usr/bin/go", "build", "-o", os.path.join(directory, program),
             os.path.join(_SOURCES, program, "main.go")],
            env=environment, check=True)


def _build_java(directory):
    if not all(map(os.path.exists, ("/usr/bin/javac", *_JARS))):
        return
    classes = os.path.join(directory, "classes")
    subprocess.run(
        ["/usr/bin/javac", "-classpath", ":".join(_JARS), "-d", classes,
         os.path.join(_SOURCES, "java", "Client.java"),
         os.path.join(_SOURCES, "java", "Server.java")], check=True)
    path = ":".join((classes, *_JARS))
    for program, main in (("java_client", "Client"),
                          ("java_server", "Server")):
        _write_script(os.path.join(directory, program),
                      f'exec /usr/bin/java -classpath "{path}" {main} "$@"\n')


def _link_python(directory):
    found = subprocess.run(["/usr/bin/python3", "-c", "import pika"],
                           stderr=subprocess.DEVNULL, check=False)
    if found.returncode != 0:
        return
    for program in ("client", "server"):
        os.symlink(os.path.join(_SOURCES, "pika", f"{program}.py"),
                   os.path.join(directory, f"pika_{program}"))


def _write_script(path, text):
    with open(path, "w") as script:
        script.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
