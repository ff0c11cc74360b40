"""What is read from the programs that are measured."""

import dataclasses
import os
import tempfile
import unittest

from harness import contender
from harness import instructions
from harness import programs
from harness import syscalls


@dataclasses.dataclass(frozen=True)
class Broker:
    url: str = "amqp://host/"
    pid: int = None
    tls_url: str = None
    ca_file: str = None


@dataclasses.dataclass(frozen=True)
class Context:
    bin_dir: str
    broker: Broker = Broker()
    peers_dir: str = ""
    quick: bool = True


_SERVER = '''
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("serving q", flush=True)
signal.sigwait({signal.SIGTERM})
print('{"calls": 20, "allocations": 10}')
'''
_CLIENT = '''
print("measuring", flush=True)
print('{"calls_per_s": 5000.5, "p50_us": 200, "p99_us": 300, '
      '"client_cpu_us_per_call": 4.5, "client_allocations_per_call": 0.25}')
'''


class Programs(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.context = Context(directory.name)

    def add(self, name, text):
        path = os.path.join(self.context.bin_dir, name)
        with open(path, "w") as program:
            program.write("#!/usr/bin/env python3\n" + text)
        os.chmod(path, 0o755)


class Measure(Programs):
    def measure(self, client=_CLIENT, server=_SERVER):
        self.add("client", client)
        self.add("server", server)
        return contender.measure(
            contender.Contender("name", ("client",), ("server",)),
            contender.Load(1, 0, 10, "full"), self.context)

    def test_reads_what_client_and_server_report(self):
        figures = self.measure()
        self.assertEqual(figures["calls_per_s"], 5000.5)
        self.assertEqual(figures["p50_us"], 200)
        self.assertEqual(figures["p99_us"], 300)
        self.assertEqual(figures["client_cpu_us"], 4.5)
        self.assertEqual(figures["server_allocations"], 0.5)
        self.assertEqual(figures["allocations"], 0.75)
        self.assertGreaterEqual(figures["server_cpu_us"], 0)
        self.assertEqual(figures["all_cpu_us"],
                         4.5 + figures["server_cpu_us"])

    def test_a_client_that_fails_fails_the_run(self):
        with self.assertRaisesRegex(programs.RunFailed, "measuring"):
            self.measure(client="raise SystemExit(1)")
        with self.assertRaisesRegex(programs.RunFailed, "exited with 3"):
            self.measure(client=_CLIENT + "raise SystemExit(3)")

    def test_a_server_that_does_not_serve_fails_the_run(self):
        with self.assertRaisesRegex(programs.RunFailed, "serving"):
            self.measure(server="print('no broker')")


class Flags(unittest.TestCase):
    def test_a_load_warms_up_and_fills_the_window(self):
        self.assertEqual(contender.Load.of(60000, 64, "full").warmup, 6000)
        self.assertEqual(contender.Load.of(1000, 256, "full").warmup, 1024)
        self.assertEqual(
            contender.Load(64, 6, 60, "bare").flags(),
            ["--in_flight=64", "--warmup=6", "--calls=60", "--wire=bare"])

    def test_tls_needs_a_broker_that_speaks_it(self):
        encrypted = contender.Contender("a", ("c",), ("s",), tls=True)
        self.assertIn("amqps", encrypted.missing(Context("")))
        broker = Broker(tls_url="amqps://host/", ca_file="ca.pem")
        self.assertEqual(encrypted.broker_flags(broker),
                         ["--broker=amqps://host/", "--ca_file=ca.pem"])
        self.assertEqual(
            contender.Contender("a", ("c",), ("s",)).broker_flags(broker),
            ["--broker=amqp://host/"])


class GoogleBenchmark(Programs):
    def measure(self, report):
        self.add("micro", f"print('{report}')")
        return programs.measure("micro", "direct/rpc", self.context)

    def test_processor_time_unless_it_waits_for_others(self):
        report = ('{"benchmarks": [{"name": "direct/rpc%s", "real_time": 9, '
                  '"cpu_time": 2, "time_unit": "us", "allocations": 1.5}]}')
        self.assertEqual(self.measure(report % ""),
                         {"nanoseconds": 2000, "allocations": 1.5})
        self.assertEqual(self.measure(report % "/real_time")["nanoseconds"],
                         9000)

    def test_its_error_fails_the_run(self):
        with self.assertRaisesRegex(programs.RunFailed, "lost"):
            self.measure('{"benchmarks": [{"name": "direct/rpc", '
                         '"error_message": "lost"}]}')

    def test_a_benchmark_that_is_not_there_fails_the_run(self):
        with self.assertRaises(programs.RunFailed):
            self.measure('{"benchmarks": []}')


class Strace(unittest.TestCase):
    def test_the_last_line_is_the_sum(self):
        head = ("% time     seconds  usecs/call     calls    errors syscall\n"
                "------ ----------- ----------- --------- --------- -----\n"
                "  0.00    0.000000           0        30        13 openat\n")
        for total in (
                "100.00    0.014200           3       109        14 total\n",
                "100.00    0.014200           3       109           total\n",
                "100.00    0.000000                   109        14 total\n"):
            self.assertEqual(syscalls.parse_total(head + total), 109, total)
        self.assertIsNone(syscalls.parse_total(head))


class Callgrind(unittest.TestCase):
    def test_the_total_is_read_from_its_last_words(self):
        self.assertEqual(instructions.parse_total(
            "==12== Events    : Ir\n==12== Collected : 345\n==12==\n"), 345)
        self.assertIsNone(instructions.parse_total("==12== Events    : Ir\n"))


if __name__ == "__main__":
    unittest.main()
