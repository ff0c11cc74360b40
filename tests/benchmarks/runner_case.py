"""benchmarks/runner.py as it is called, with programs that only pretend."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from harness import scenarios

_RUNNER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(scenarios.__file__))),
    "runner.py")

# Each notes its command line in the file "log" beside it.
_NOTE = '''#!/usr/bin/env python3
import json, os, signal, sys
here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
with open(os.path.join(here, "log"), "a") as log:
    log.write(" ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
'''
_SERVER = _NOTE + '''
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("serving q", flush=True)
signal.sigwait({signal.SIGTERM})
print(json.dumps({"calls": 1, "allocations": 0}))
'''
_CLIENT = _NOTE + '''
print("measuring", flush=True)
print(json.dumps({"calls_per_s": %d, "p50_us": 1, "p99_us": 2,
                  "client_cpu_us_per_call": 1,
                  "client_allocations_per_call": 0}))
'''


class Runner(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.bin = directory.name
        os.mkdir(os.path.join(self.bin, "rabbitmq"))
        for name, rate in (("api", 100), ("one_buffer", 140), ("rpc", 150)):
            self.add(f"{name}_client", _CLIENT % rate)
            self.add(f"{name}_server", _SERVER)

    def add(self, name, text):
        path = os.path.join(self.bin, "rabbitmq", name)
        with open(path, "w") as program:
            program.write(text)
        os.chmod(path, 0o755)

    def run_it(self, *arguments):
        return subprocess.run(
            [sys.executable, "-B", _RUNNER, "--bin_dir", self.bin, "--broker",
             "amqp://nowhere/", *arguments],
            capture_output=True, text=True, check=False)

    def clients(self):
        """The command lines of the clients, in the order of their runs."""
        with open(os.path.join(self.bin, "log")) as log:
            return [line.split() for line in log
                    if line.split()[0].endswith("_client")]

    def load(self, *arguments):
        return self.run_it("--scenario", "w64", *arguments)


class Order(Runner):
    def test_contenders_are_interleaved(self):
        self.load("--pairs", "3", "--n", "7")
        self.assertEqual([client[0] for client in self.clients()],
                         3 * ["api_client", "one_buffer_client", "rpc_client",
                              "rpc_client"])

    def test_each_contender_has_a_queue_of_its_own(self):
        self.load("--pairs", "1")
        queues = [next(flag for flag in client if "--queue" in flag)
                  for client in self.clients()]
        self.assertEqual(len(set(queues)), 4)


class Options(Runner):
    def test_n_is_the_number_of_calls(self):
        self.load("--pairs", "1", "--n", "7")
        for client in self.clients():
            self.assertIn("--calls=7", client)
            self.assertIn("--in_flight=64", client)
            self.assertIn("--wire=full", client)

    def test_without_n_the_scenario_says_how_many(self):
        self.load("--pairs", "1")
        for client in self.clients():
            self.assertIn("--calls=60000", client)

    def test_quick_makes_fewer_calls(self):
        self.load("--pairs", "1", "--quick")
        for client in self.clients():
            self.assertIn("--calls=15000", client)

    def test_pairs_is_the_number_of_rounds(self):
        self.load("--pairs", "2")
        self.assertEqual(len(self.clients()), 2 * 4)

    def test_without_pairs_there_are_five(self):
        self.load("--n", "7")
        self.assertEqual(len(self.clients()), 5 * 4)

    def test_scenario_selects(self):
        done = self.run_it("--scenario", "w8", "--scenario", "w1024",
                           "--pairs", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            [flag for client in self.clients() for flag in client
             if flag.startswith("--in_flight")],
            3 * ["--in_flight=8"] + 3 * ["--in_flight=1024"])

    def test_quick_and_peers_select(self):
        def dry(*arguments):
            return self.run_it("--dry_run", *arguments).stdout.split()
        self.assertIn("w256", dry("--quick"))
        self.assertNotIn("compile", dry("--quick"))
        self.assertIn("compile", dry())
        self.assertNotIn("peers_w64", dry())
        self.assertIn("peers_w64", dry("--peers"))


class Output(Runner):
    def test_a_missed_target_is_named_and_check_fails(self):
        self.add("rpc_client", _CLIENT % 139)
        missed = self.load("--pairs", "1", "--check")
        self.assertEqual(missed.returncode, 1, missed.stderr)
        self.assertIn("1 of 2 targets reached", missed.stdout)
        self.assertRegex(missed.stdout, "rpc / api .*at least 1.4: missed")
        self.assertEqual(self.load("--pairs", "1").returncode, 0)

    def test_check_passes_where_all_is_reached(self):
        reached = self.load("--pairs", "1", "--check")
        self.assertEqual(reached.returncode, 0, reached.stdout)
        self.assertIn("2 of 2 targets reached", reached.stdout)

    def test_progress_is_shown(self):
        done = self.load("--pairs", "2")
        self.assertIn("[1/8] w64: api, round 1 of 2", done.stderr)
        self.assertRegex(done.stderr,
                         r"\[8/8, 0:\d\d left\] w64: rpc_thread, round 2")

    def test_json_has_every_sample_and_verdict(self):
        path = os.path.join(self.bin, "out.json")
        self.load("--pairs", "2", "--json", path)
        with open(path) as file:
            document = json.load(file)
        self.assertIn("--pairs 2", document["machine"]["command"])
        scenario = document["scenarios"][0]
        self.assertEqual(
            [sample["calls_per_s"] for sample in scenario["samples"]["rpc"]],
            [150, 150])
        self.assertIn(
            ("rpc", "api", 1.5, "reached"),
            [(target["of"], target["against"], target["value"],
              target["verdict"]) for target in scenario["targets"]])

    def test_plots_are_written_where_they_are_wanted(self):
        path = os.path.join(self.bin, "plots")
        self.run_it("--scenario", "w8", "--scenario", "w64", "--pairs", "1",
                    "--plots", path)
        self.assertEqual(sorted(os.listdir(path)),
                         ["latency.svg", "throughput.svg"])

    def test_a_contender_that_fails_ends_the_run(self):
        self.add("one_buffer_client", _NOTE + "sys.exit('no such queue')")
        done = self.load("--pairs", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("one_buffer_client", done.stderr)

    def test_a_program_that_is_not_there_is_told(self):
        os.remove(os.path.join(self.bin, "rabbitmq", "api_server"))
        done = self.load("--pairs", "1")
        self.assertIn("api not run: no program rabbitmq/api_server",
                      done.stdout)
        self.assertIn("calls/s rpc / api: not measured", done.stdout)


class Usage(Runner):
    def test_list_names_every_scenario(self):
        done = self.run_it("--list")
        self.assertEqual(done.returncode, 0)
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()],
                         [scenario.name for scenario in scenarios.SCENARIOS])

    def test_help_names_every_option(self):
        done = self.run_it("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--list", "--scenario", "--quick", "--pairs", "--n",
                       "--json", "--plots", "--peers", "--check", "--broker"):
            self.assertIn(option, done.stdout)

    def test_wrong_usage_exits_with_two(self):
        for arguments in (["--scenario", "w65"], ["--pairs", "0"],
                          ["--n", "many"], ["--colour"]):
            done = self.run_it(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
        self.assertIn("no scenario w65; --list shows them",
                      self.run_it("--scenario", "w65").stderr)


if __name__ == "__main__":
    unittest.main()
