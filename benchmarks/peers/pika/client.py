#!/usr/bin/python3
"""A pika client that keeps calls in flight from its reply callback."""

import argparse
import json
import os
import time

import pika


class Client:
    def __init__(self, flags):
        self._flags = flags
        self._expected = fibonacci(90)
        self._started = {}
        self._latencies = []
        self._finished = 0
        connection = pika.BlockingConnection(pika.URLParameters(flags.broker))
        self._channel = connection.channel()
        self._replies = self._channel.queue_declare(
            "", exclusive=True).method.queue
        self._channel.basic_consume(self._replies, self._take, auto_ack=True)

    def run(self):
        for _ in range(self._flags.in_flight):
            self._publish()
        self._channel.start_consuming()

    def _publish(self):
        correlation_id = os.urandom(12).hex()
        self._started[correlation_id] = time.perf_counter()
        self._channel.basic_publish(
            "", self._flags.queue, b"90", pika.BasicProperties(
                reply_to=self._replies, correlation_id=correlation_id))

    def _take(self, _channel, _method, properties, body):
        elapsed = time.perf_counter() - self._started.pop(
            properties.correlation_id)
        if body != self._expected:
            raise SystemExit("a reply has a wrong value")
        self._finished += 1
        if self._finished > self._flags.warmup:
            self._latencies.append(elapsed)
        if self._finished == self._flags.warmup:
            print("measuring", flush=True)
            self._begin = time.perf_counter()
            self._cpu_at_begin = time.process_time()
        if self._finished == self._flags.warmup + self._flags.calls:
            self._report()
        if self._finished < self._flags.warmup + self._flags.calls:
            self._publish()
        elif not self._started:
            self._channel.stop_consuming()

    def _report(self):
        seconds = time.perf_counter() - self._begin
        cpu = time.process_time() - self._cpu_at_begin
        latencies = sorted(self._latencies)
        calls = self._flags.calls
        print(json.dumps({
            "contender": self._flags.contender, "calls": calls,
            "seconds": seconds, "calls_per_s": calls / seconds,
            "p50_us": 1e6 * latencies[calls // 2],
            "p99_us": 1e6 * latencies[calls * 99 // 100],
            "client_cpu_us_per_call": 1e6 * cpu / calls}), flush=True)


def fibonacci(n):
    current, following = 0, 1
    for _ in range(n):
        current, following = following, current + following
    return b"%d" % current


def main():
    parser = argparse.ArgumentParser()
    for name in ("broker", "queue", "contender", "wire"):
        parser.add_argument(f"--{name}")
    for name in ("in_flight", "warmup", "calls"):
        parser.add_argument(f"--{name}", type=int)
    Client(parser.parse_args()).run()


if __name__ == "__main__":
    main()
