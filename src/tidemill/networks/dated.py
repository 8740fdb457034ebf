"""What every network reads from its own file of dated parameters, whatever its fee formula."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from msgspec import Struct

from tidemill.errors import BadInput, UnknownName
from tidemill.facts import Entry, Fact, Facts, Status
from tidemill.networks.compressed import UNITS
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.types import COMMON, FeeEnv, FeeParts, Known, TxShape
from tidemill.wording import rfc3339

__all__ = ["DatedNetwork", "GasOnly"]


class DatedNetwork(Struct, frozen=True, dict=True):
    """A network over its dated parameters; families add their formula."""

    facts: Facts

    @cached_property
    def name(self) -> str:
        """The name studies use."""
        return self.facts.text("name")

    @cached_property
    def chain_id(self) -> int:
        """EIP-155 chain id."""
        return self.facts.integer("chain_id")

    @cached_property
    def native_token(self) -> str:
        """Symbol of the token that pays gas."""
        return self.facts.text("native_token")

    @cached_property
    def block_time(self) -> int:
        """Seconds between blocks (on Ethereum per slot; a missed slot makes a gap of two)."""
        return self.facts.integer("block_time")

    @cached_property
    def status(self) -> Status:
        """Whether the network lives: as ``standing`` has it last."""
        line = self.facts.timelines.get("standing")
        return self._standing_fact.status if line is None else line.entries[-1].fact.status

    @property
    def _standing_fact(self) -> Fact:
        facts = self.facts.facts
        return facts["standing"] if "standing" in facts else facts["chain_id"]

    @property
    def first_known(self) -> Entry | None:
        """The first entry by which the file knows how the network stood; ``None`` where it has no dated past."""
        lines = self.facts.timelines
        line = lines.get("standing") or lines.get("fork")
        return None if line is None else line.entries[0]

    @property
    def begins(self) -> int:
        """First moment that the file knows how the network stood, unix seconds; 0 where it has no dated past."""
        return 0 if self.first_known is None else self.first_known.since

    def standing(self, time: int) -> Entry:
        """Return since when the network has stood as it did at ``time``: the fact's ``status``; its text says what to do.

        By the timeline ``standing``; where the file has none, by the fact of that name, else by ``chain_id``, since the
        first fork known. Raises ``BadInput`` before the network began.
        """
        if time < self.begins:
            raise BadInput(f"{self.name} is known from {rfc3339(self.begins)} on", field="network")
        line = self.facts.timelines.get("standing")
        if line is not None:
            return next(entry for entry in reversed(line.entries) if entry.since <= time)
        return Entry(self.begins, self._standing_fact)

    @property
    def data_fee(self) -> bool:
        """Whether a transaction pays for its data beside its gas: yes, where the family does not say otherwise."""
        return True

    def routes(self, time: int) -> tuple[Route, ...]:
        """Return the ways in and out: none, where the family describes none."""
        return ()

    def roles(self, time: int) -> tuple[Role, ...]:
        """Return who earns from the network itself: nobody, where the family names none."""
        return ()

    def shape(self, gas_used: int, signed: bytes, time: int) -> TxShape:
        """Return the shape of a signed transaction as this network's formula reads it at ``time``."""
        return TxShape.of(gas_used, signed)

    def parameter(self, name: str, time: int) -> int:
        """Return the integer in force at ``time``; raises ``UnknownName`` or ``BadInput``."""
        value = self.facts.timeline(name).at(time)
        if isinstance(value, str):
            raise BadInput(f"expected an integer, got {value!r}", file=self.facts.file, field=f"timelines.{name}")
        return int(value)

    def dated(self, name: str, time: int) -> Known | None:
        """Return the dated value of ``name`` at ``time`` with its source, ``None`` where the file has none."""
        line = self.facts.timelines.get(name)
        if line is None or time < line.entries[0].since:
            return None
        fact = line.fact_at(time)
        sure = "" if fact.confidence != "uncertain" else "uncertain; "
        return Known(int(fact.value), "fact", f"{sure}{fact.source}, as of {fact.as_of}")

    def fill(self, env: FeeEnv, fork: str, needs: Iterable[str]) -> FeeEnv:
        """Return ``env`` with ``fork`` named and each of ``needs`` that it lacks taken from the dated parameters."""
        known = env.known()
        missing = {name: self.dated(name, env.time) for name in needs if name not in known}
        return env.filled(fork, {name: value for name, value in missing.items() if value is not None})

    @property
    def forks(self) -> tuple[str, ...]:
        """Every fork whose formula may be asked for, in order: those of the file, where the family knows no more."""
        return tuple(str(entry.fact.value) for entry in self.facts.timeline("fork").entries)

    def resolve(self, env: FeeEnv) -> FeeEnv:
        """Return ``env`` with the fork named and what its formula needs taken from the dated parameters at ``env.time``.

        Raises
        ------
        UnknownName : ``env.fork`` is none of ``forks``.
        BadInput : ``env.time`` lies before the network began.
        """
        fork = env.fork or self.fork(env.time)
        if fork not in self.forks:
            raise UnknownName("fork", fork, self.forks, field="fork")
        return self.fill(env, fork, self.needs(fork))

    def needs(self, fork: str) -> tuple[str, ...]:
        """Return the fields of ``FeeEnv`` that the formula of ``fork`` reads beside the network's own two prices."""
        return ()

    def levels(self) -> Mapping[str, str]:
        """Return the names of ``FeeEnv.more`` that the formula of any fork of this network reads, each with its unit."""
        names = {name: None for fork in self.forks for name in self.needs(fork) if name not in COMMON}
        lines = self.facts.timelines
        return {name: lines[name].entries[-1].fact.unit if name in lines else UNITS.get(name, "") for name in names}

    def fork(self, time: int) -> str:
        """Return the fork in force at ``time``; raises ``BadInput`` before the first the file knows."""
        return str(self.facts.timeline("fork").at(time))


class GasOnly(DatedNetwork, frozen=True, dict=True):
    """A network whose fee is gas alone: data are in the gas, and nothing is paid beside it."""

    @property
    def data_fee(self) -> bool:
        """Whether a transaction pays for its data beside its gas: no."""
        return False

    def fee(self, tx: TxShape, env: FeeEnv) -> FeeParts:
        """Return gas used times base fee plus tip."""
        env = self.resolve(env)
        return FeeParts(tx.gas_used * (env.need("base_fee", self.name) + env.need("priority_fee", self.name)))
