#!/usr/bin/python3
"""An RPC client as in RabbitMQ's tutorial: it sends a reply address, an id and a body, and knows
nothing else.

Usage: plain_client.py URL EXCHANGE ROUTING_KEY agree FIRST LAST
       plain_client.py URL EXCHANGE ROUTING_KEY refuse BODY...
       plain_client.py URL EXCHANGE ROUTING_KEY dump BODY

agree   Asks for each n from FIRST to LAST, all before it reads a reply, and compares each reply
        with Python's own integers.
refuse  Sends each BODY, and wants a reply that int() does not take.
dump    Prints the reply to BODY, and how it came, as JSON.

Exit status: 0 if all is as it should be, 1 if not.
"""

import json
import sys
import uuid

import pika

PATIENCE_S = 20


class Client:
    """Publishes requests and collects the replies by their ids."""

    def __init__(self, url, exchange, routing_key):
        self.exchange = exchange
        self.routing_key = routing_key
        self.replies = {}
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self.connection.channel()
        self.reply_to = self.channel.queue_declare(queue="", exclusive=True).method.queue
        self.channel.basic_consume(
            queue=self.reply_to, on_message_callback=self.on_reply, auto_ack=True
        )

    def on_reply(self, _channel, method, properties, body):
        """Keeps a reply; a second one to the same id is an error."""
        if properties.correlation_id in self.replies:
            sys.exit("two replies to one request")
        self.replies[properties.correlation_id] = (method, properties, body)

    def send(self, body):
        """Publishes a request; returns its id."""
        correlation_id = str(uuid.uuid4())
        self.channel.basic_publish(
            exchange=self.exchange,
            routing_key=self.routing_key,
            properties=pika.BasicProperties(
                reply_to=self.reply_to, correlation_id=correlation_id
            ),
            body=body,
        )
        return correlation_id

    def reply(self, correlation_id):
        """Waits for the reply to an id; returns its method, properties and body."""
        self.connection.call_later(PATIENCE_S, lambda: sys.exit("no reply"))
        while correlation_id not in self.replies:
            self.connection.process_data_events(time_limit=1)
        return self.replies[correlation_id]


def fibonacci(last):
    """Returns the Fibonacci numbers from 0 to `last`."""
    numbers = [0, 1]
    while len(numbers) <= last:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers


def agree(client, first, last):
    """Exits unless each reply is what Python computes, digit for digit."""
    numbers = fibonacci(last)
    sent = {n: client.send(str(n)) for n in range(first, last + 1)}
    for n, correlation_id in sent.items():
        body = client.reply(correlation_id)[2].decode("ascii")
        if body != str(numbers[n]):
            sys.exit("fib(%d) = %d, and the reply is %r" % (n, numbers[n], body))
    print("%d agree" % len(sent))


def refuse(client, bodies):
    """Exits unless each reply is an error that int() does not take."""
    for body in bodies:
        reply = client.reply(client.send(body))[2].decode("utf-8")
        try:
            int(reply)
        except ValueError:
            error = json.loads(reply)["error"]
            print(error["type"], error["code"], error["message"])
        else:
            sys.exit("%r was answered with the number %s" % (body, reply))


def dump(client, body):
    """Prints a reply: what a client can see of it."""
    correlation_id = client.send(body)
    method, properties, reply = client.reply(correlation_id)
    seen = {key: value for key, value in vars(properties).items() if value is not None}
    seen["correlation_id"] = (
        "that of the request" if properties.correlation_id == correlation_id else "another"
    )
    print(
        json.dumps(
            {
                "exchange": method.exchange,
                "redelivered": method.redelivered,
                "routing key": (
                    "reply_to" if method.routing_key == client.reply_to else "another"
                ),
                "properties": seen,
                "body": reply.decode("ascii"),
            },
            sort_keys=True,
        )
    )


def main(arguments):
    """Does what the command line says."""
    client = Client(*arguments[:3])
    command, rest = arguments[3], arguments[4:]
    if command == "agree":
        agree(client, int(rest[0]), int(rest[1]))
    elif command == "refuse":
        refuse(client, rest)
    else:
        dump(client, rest[0])
    client.connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
