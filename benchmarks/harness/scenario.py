"""What every scenario has, and what those with a client and a server share."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenario:
    """Contenders that are measured one against the other, and the targets.

    A kind of scenario adds contender_names(), missing(name, context), which
    tells why a contender cannot take part here, or None, and measure(name,
    context), which runs one once and returns its metrics by name.
    """
    name: str
    title: str
    targets: tuple
    quick: bool = False
    peers: bool = False

    def needs_broker(self):
        return False

    def needs_tls(self):
        return False


@dataclasses.dataclass(frozen=True, kw_only=True)
class BrokerScenario(Scenario):
    """Clients and servers in processes of their own, under the same load."""
    contenders: tuple
    in_flight: int
    calls: int

    def contender_names(self):
        return [contender.name for contender in self.contenders]

    def missing(self, name, context):
        return self._contender(name).missing(context)

    def needs_broker(self):
        return True

    def needs_tls(self):
        return any(contender.tls for contender in self.contenders)

    def _contender(self, name):
        return next(contender for contender in self.contenders
                    if contender.name == name)
