#!/usr/bin/python3
"""A pika server: replies, then acknowledges each request."""

import argparse
import json
import signal
import time

import pika


def fibonacci(n):
    current, following = 0, 1
    for _ in range(n):
        current, following = following, current + following
    return b"%d" % current


def main():
    parser = argparse.ArgumentParser()
    for name in ("broker", "queue", "contender"):
        parser.add_argument(f"--{name}")
    flags = parser.parse_args()
    connection = pika.BlockingConnection(pika.URLParameters(flags.broker))
    channel = connection.channel()
    channel.queue_declare(flags.queue, durable=True)
    channel.basic_qos(prefetch_count=100)
    calls = 0

    def answer(_channel, method, properties, body):
        nonlocal calls
        channel.basic_publish(
            "", properties.reply_to, fibonacci(int(body)),
            pika.BasicProperties(correlation_id=properties.correlation_id))
        channel.basic_ack(method.delivery_tag)
        calls += 1

    channel.basic_consume(flags.queue, answer)
    signal.signal(signal.SIGTERM, lambda *_: connection.add_callback_threadsafe(
        channel.stop_consuming))
    print(f"serving {flags.queue}", flush=True)
    channel.start_consuming()
    print(json.dumps({"contender": flags.contender, "calls": calls,
                      "cpu_us": 1e6 * time.process_time()}))


if __name__ == "__main__":
    main()
