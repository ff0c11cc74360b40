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


def message_input(properties, body, table=None):
    has_table = table is not None
    return bytes([has_table]) + text(properties) + text(body) + (table or b"")


SEEDS = {
    "decoder": [
        decoder_input(b"\0", frame(1, 0, START), frame(1, 0, TUNE), frame(1, 0, method(10, 41, text(b"")))),
        decoder_input(b"\x03\x07", frame(1, 1, DELIVER), frame(2, 1, HEADER), frame(3, 1, b"90")),
        decoder_input(b"\x10", frame(1, 1, RETURN), frame(1, 1, ACK), frame(8, 0, b"")),
        decoder_input(b"", frame(1, 1, DECLARE_OK), frame(1, 0, CLOSE)),
        text(b"") + text(b"AMQP\x03\x01\0\0"),
    ],
    "message": [
        message_input(PROPERTY_LIST, b"90"),
        message_input(text(b"2000") + text(b""), b"90", TABLE),
        message_input(text(b"") + text(b"error"), b"{}", FAILURE),
        message_input(text(b"1") + text(b""), b"", ALL_KINDS),
        message_input(text(b"1") + text(b""), b"", entry(b"x-delivery-count", b"l" + number(3, 8))),
    ],
    "pending_calls": [
        # Begin one and answer it; answer it again; one more, cancelled.
        b"\x00\x01\x00" + b"\x02\x02\x00" * 2 + b"\x00\x00\x00" + b"\x04\x01",
        # Claim, lose; expire.
        b"\x00\x00\x10" + b"\x06\x02\x00" + b"\x08\x01" + b"\x01\x00\x20" + b"\x07\x01\x00",
        # Several replies at once, one damaged, one of nobody's.
        b"\x00\x00\x00" * 3 + b"\x03\x04" + b"\x02\x00" + b"\x01\x01\x05x" + b"\x00\x03abc" + b"\x02\x02",
        b"\x00\x00\x00" * 20 + b"\x05\x01" + b"\x08\x00",
    ],
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
