"""Calls over RabbitMQ, client and server in processes of their own."""

import dataclasses

from harness import contender as contenders


@dataclasses.dataclass(frozen=True)
class CallScenario:
    """The contenders under the same load."""
    name: str
    title: str
    contenders: tuple
    in_flight: int
    targets: tuple
    calls: int
    wire: str = "full"
    quick: bool = False
    peers: bool = False

    def contender_names(self):
        return [contender.name for contender in self.contenders]

    def missing(self, name, context):
        """Why the contender cannot take part here, or None."""
        return self._contender(name).missing(context)

    def measure(self, name, context):
        contender = self._contender(name)
        calls = context.calls or int(contender.share * (
            self.calls // 4 if context.quick else self.calls))
        return contenders.measure(
            contender, contenders.Load.of(calls, self.in_flight, self.wire),
            context)

    def needs_broker(self):
        return True

    def needs_tls(self):
        return any(contender.tls for contender in self.contenders)

    def _contender(self, name):
        return next(contender for contender in self.contenders
                    if contender.name == name)
