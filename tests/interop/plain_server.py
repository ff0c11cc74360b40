#!/usr/bin/python3
"""A Fibonacci server as in RabbitMQ's tutorial, which knows nothing of our metadata.

Usage: plain_server.py URL QUEUE [EXCHANGE]

With EXCHANGE it is the reference server: the durable QUEUE is bound with "#" to that durable topic
exchange, and replies are persistent. Any integer is exact. Serves until it is killed.
"""

import functools
import sys
import uuid

import pika


@functools.lru_cache(maxsize=None)
def fibonacci(n):
    """Returns the n-th Fibonacci number."""
    if n < 0:
        raise ValueError("n is negative")
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def main(url, queue, exchange=None):
    """Serves."""
    sys.setrecursionlimit(10000)
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.queue_declare(queue=queue, durable=True)
    if exchange:
        channel.exchange_declare(exchange=exchange, exchange_type="topic", durable=True)
        channel.queue_bind(queue=queue, exchange=exchange, routing_key="#")
    channel.basic_qos(prefetch_count=1)

    def on_request(_channel, method, properties, body):
        result = fibonacci(int(body))
        print(body, properties, result, flush=True)
        channel.basic_publish(
            exchange="",
            routing_key=properties.reply_to,
            properties=pika.BasicProperties(
                correlation_id=properties.correlation_id,
                delivery_mode=2 if exchange else None,
            ),
            body=str(result),
        )
        channel.basic_ack(delivery_tag=method.delivery_tag)

    channel.basic_consume(
        queue=queue, on_message_callback=on_request, consumer_tag=str(uuid.uuid4())
    )
    channel.start_consuming()


if __name__ == "__main__":
    main(*sys.argv[1:])
