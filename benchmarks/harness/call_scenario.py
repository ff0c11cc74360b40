"""Calls over RabbitMQ, client and server in processes of their own."""

import dataclasses

from harness import contender as contenders
from harness.scenario import BrokerScenario


@dataclasses.dataclass(frozen=True, kw_only=True)
class CallScenario(BrokerScenario):
    """The contenders' calls a second, latencies and processor time."""
    wire: str = "full"

    def measure(self, name, context):
        contender = self._contender(name)
        calls = context.calls or int(contender.share * (
            self.calls // 4 if context.quick else self.calls))
        return contenders.measure(
            contender, contenders.Load.of(calls, self.in_flight, self.wire),
            context)
