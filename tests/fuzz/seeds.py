#!/usr/bin/python3
"""Writes the first inputs of those fuzzers that read binary: tests/fuzz/corpus/*/seed*.

The layouts are those of the fuzz targets' own comments and code. What fuzzing
found interesting lies beside them and is not touched.
"""

import os


def number(value, size):
    return value.to_bytes(size, "big")


def text(data):
    return number(len(data), 1) + data


def long_text(data):
    return number(len(data), 4) + data


def method(class_id, method_id, *arguments):
    return number(class_id, 2) + number(method_id, 2) + b"".join(arguments)


def entry(name, value):
    return text(name) + value


CAPABILITIES = entry(b"authentication_failure_close", b"t\x01") + entry(b"basic.nack", b"t\x01")
PROPERTIES = entry(b"capabilities", b"F" + long_text(CAPABILITIES)) + entry(
    b"product", b"S" + long_text(b"RabbitMQ")
)

START = method(10, 10, b"\0\x09", long_text(PROPERTIES), long_text(b"PLAIN"), long_text(b"en_US"))
TUNE = method(10, 30, number(2047, 2), number(131072, 4), number(60, 2))
CLOSE = method(10, 50, number(320, 2), text(b"shutdown"), number(0, 4))
DELIVER = method(60, 60, text(b"ctag"), number(1, 8), b"\0", text(b""), text(b"q"))
RETURN = method(60, 50, number(312, 2), text(b"NO_ROUTE"), text(b""), text(b"q"))
ACK = method(60, 80, number(1, 8), b"\x01")
DECLARE_OK = method(50, 11, text(b"amq.gen-x"), number(0, 4), number(1, 4))
TABLE = (
    entry(b"rpc-method", b"S" + long_text(b"add"))
    + entry(b"rpc-attempt", b"l" + number(2, 8))
    + entry(b"traceparent", b"S" + long_text(b"00-0af7651916cd43dd"))
    + entry(b"nested", b"F" + long_text(entry(b"a", b"A" + long_text(b"I" + number(7, 4)))))
)
FAILURE = (
    entry(b"rpc-status", b"l" + number(8, 8))
    + entry(b"rpc-status-message", b"S" + long_text(b"too much"))
    + entry(b"rpc-not-run", b"t\x01")
    + entry(b"rpc-retry-after-ms", b"l" + number(100, 8))
)
ALL_KINDS = b"".join(
    entry(kind, kind + bytes(size))
    for kind, size in [
        (b"t", 1), (b"b", 1), (b"B", 1), (b"s", 2), (b"u", 2), (b"I", 4), (b"i", 4), (b"l", 8),
        (b"L", 8), (b"T", 8), (b"f", 4), (b"d", 8), (b"D", 5), (b"V", 0), (b"S", 4), (b"x", 4),
        (b"F", 4), (b"A", 4),
    ]
)
# Content type, correlation id, reply address, expiration, message id.
FLAGS = number(0x8000 | 0x0400 | 0x0200 | 0x0100 | 0x0080, 2)
PROPERTY_LIST = FLAGS + b"".join(
    text(each) for each in [b"text/plain", b"id", b"amq.gen-x", b"2000", b"message"]
)
HEADER = method(60, 0, number(2, 8), PROPERTY_LIST)


def frame(kind, channel, payload):
    """As decoder_fuzz.cc reads it."""
    return number(kind, 1) + number(channel, 2) + text(payload)


def decoder_input(cuts, *frames):
    return text(cuts) + text(b"") + b"".join(frames)


# session_fuzz.cc: each step is a choice and what it takes. The first byte logs in.
OPEN_CONFIRMING = b"\x03\x07\x00\x02"
OPEN_CONSUMING = b"\x03\x07\x00\x09"
PUBLISH = b"\x03\x00\x06\x00\x05\x02id"
SOME_SECONDS = b"\x04\x0f\x01\x00"


def received(channel, *choices):
    return b"\0" + bytes([channel]) + b"".join(choices)


CONFIRMING = OPEN_CONFIRMING + received(1, b"\x02") + received(1, b"\x04", b"\0")
CONSUMING = (
    OPEN_CONSUMING
    + received(1, b"\x02")
    + received(1, b"\x03", text(b"q"))
    + received(1, b"\x06", text(b"ctag"), b"\0")
)


def delivered(tag, body):
    return (
        received(1, b"\x07", number(tag, 1), b"\0", text(b"q"))
        + received(1, b"\x09", number(len(body), 2))
        + received(1, b"\x0a", text(body), b"\0")
    )


# serving_fuzz.cc: whether the queue limits deliveries, whether bodies are JSON, then steps.
REPLY_TO = {b"amq.gen-1": 0, b"replies": 2, b"victim": 4}


def request(body, reply_to=None, headers=None, correlation_id=b"id", expiration=b""):
    """A delivery, with those of the properties that are given."""
    flags = 0x0400 | 0x0100
    properties = b""
    if headers is not None:
        flags |= 0x2000
        properties += text(headers)
    properties += text(correlation_id)
    if reply_to is not None:
        flags |= 0x0200
        properties += bytes([REPLY_TO[reply_to]])
    properties += text(expiration)
    return b"\x04" + text(body) + b"\0" + number(flags, 2) + properties + b"\0"


def for_method(name):
    return entry(b"rpc-method", b"S" + long_text(name))


TURN = b"\0"
DELIVERED_OFTEN = entry(b"x-delivery-count", b"l" + number(3, 8))


def message_input(properties, body, table=None):
    has_table = table is not None
    return bytes([has_table]) + text(properties) + text(body) + (table or b"")


DECODER = [
    decoder_input(
        b"\0",
        frame(1, 0, START),
        frame(1, 0, TUNE),
        frame(1, 0, method(10, 41, text(b""))),
    ),
    decoder_input(b"\x03\x07", frame(1, 1, DELIVER), frame(2, 1, HEADER), frame(3, 1, b"90")),
    decoder_input(b"\x10", frame(1, 1, RETURN), frame(1, 1, ACK), frame(8, 0, b"")),
    decoder_input(b"", frame(1, 1, DECLARE_OK), frame(1, 0, CLOSE)),
    text(b"") + text(b"AMQP\x03\x01\0\0"),
]
MESSAGE = [
    message_input(PROPERTY_LIST, b"90"),
    message_input(text(b"2000") + text(b""), b"90", TABLE),
    message_input(text(b"") + text(b"error"), b"{}", FAILURE),
    message_input(text(b"1") + text(b""), b"", ALL_KINDS),
    message_input(text(b"1") + text(b""), b"", DELIVERED_OFTEN),
]
SERVING = [
    b"\0\0" + request(b"90", b"amq.gen-1", for_method(b"twice")) * 3 + TURN,
    b"\0\0"
    + request(b"90", b"victim", for_method(b"twice"))
    + request(b"90", None, for_method(b"fail")),
    b"\0\1" + request(b'"abc"', b"replies", for_method(b"repeat"), b"", b"2000") + TURN,
    b"\0\1" + request(b'"' + b"x" * 150 + b'"', b"replies", for_method(b"repeat")) + TURN,
    b"\1\0" + request(b"90", b"amq.gen-1", for_method(b"twice") + DELIVERED_OFTEN) + TURN,
    # The channel is lost before the first reply has left.
    b"\0\0"
    + request(b"2047", b"amq.gen-1", for_method(b"fail"))
    + b"\3"
    + TURN
    + request(b"5", b"amq.gen-1", for_method(b"twice")),
    # The broker is blocked; one headers table is malformed.
    b"\0\0\1"
    + request(b"8", b"amq.gen-1", for_method(b"twice"))
    + TURN
    + request(b"9", b"amq.gen-1", b"\3")
    + b"\2",
]
SESSION = [
    # Three publishes: two confirmed at once, the third refused.
    b"\1\0"
    + CONFIRMING
    + PUBLISH * 3
    + received(1, b"\x0b\x02\x01", b"\0\0")
    + received(1, b"\x0c\x03\0", b"\0"),
    # A delivery, its ack, and time.
    b"\1\0" + CONSUMING + delivered(1, b"90") + b"\x03\x00\x02\x01" + b"\x04\x01\x01\x00",
    # The consumer is cancelled, the channel closed.
    b"\1\0"
    + CONSUMING
    + b"\x03\x00\x04"
    + received(1, b"\x01\x06", text(b"ctag"), b"\0")
    + b"\x03\x00\x05"
    + received(1, b"\x01\x02"),
    # channel.flow, and a close by the broker.
    b"\1\0"
    + CONFIRMING
    + received(1, b"\x01\x00\x00")
    + received(1, b"\x01\x01", number(404, 2), text(b"NOT_FOUND"), b"\0"),
    # A login step by step.
    b"\0"
    + received(0, b"\0\0", text(b"PLAIN"), b"\1")
    + received(0, b"\0\x02", number(0, 8))
    + received(0, b"\0\x03", b"\0"),
    b"\1\0" + b"\x03\x07\x01" + received(0, b"\0\x05"),
    # Time, until it is asked whether it reads; two answers in time, and one unasked.
    b"\1\0"
    + CONFIRMING
    + (SOME_SECONDS * 2 + received(1, b"\x01\x07")) * 2
    + received(1, b"\x01\x07"),
]
PENDING_CALLS = [
    # Begin one and answer it; answer it again; one more, cancelled.
    b"\x00\x01\x00" + b"\x02\x02\x00" * 2 + b"\x00\x00\x00" + b"\x04\x01",
    # Claim, lose; expire.
    b"\x00\x00\x10" + b"\x06\x02\x00" + b"\x08\x01" + b"\x01\x00\x20" + b"\x07\x01\x00",
    # Several replies at once, one damaged, one of nobody's.
    b"\x00\x00\x00" * 3
    + b"\x03\x04"
    + b"\x02\x00"
    + b"\x01\x01\x05x"
    + b"\x00\x03abc"
    + b"\x02\x02",
    b"\x00\x00\x00" * 20 + b"\x05\x01" + b"\x08\x00",
]

SEEDS = {
    "decoder": DECODER,
    "message": MESSAGE,
    "pending_calls": PENDING_CALLS,
    "serving": SERVING,
    "session": SESSION,
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for name, inputs in SEEDS.items():
        directory = os.path.join(here, "corpus", name)
        os.makedirs(directory, exist_ok=True)
        for i, data in enumerate(inputs):
            with open(os.path.join(directory, "seed%d" % i), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
