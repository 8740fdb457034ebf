"""The loop: look, judge, tell what has changed, remember; an endpoint that is lost is said once, and watching goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from tidemill.chain.rpc import Rpc
from tidemill.engine.clock import sleep, wall_seconds
from tidemill.errors import NoSource, RpcError
from tidemill.studies.held.asked import Asked
from tidemill.studies.watch.judge import Limits, Look, judge
from tidemill.studies.watch.look import Watched
from tidemill.studies.watch.memory import Change, Memory, changes, delivered, load_memory, save_memory
from tidemill.studies.watch.tell import Channel

__all__ = ["Watch"]


class Watch:
    """One account being watched.

    Parameters
    ----------
    connect : opens the endpoint; called again after it was lost. asked, kinds : see ``Watched``.
    state : file that remembers. told : whom to tell beside ``say``.
    say : is given each change; ``note`` a line on how the watch itself fares; ``seen`` each look.
    """

    def __init__(
        self,
        connect: Callable[[], Rpc],
        asked: Asked,
        limits: Limits,
        state: Path,
        *,
        families: Collection[str] = (),
        told: Sequence[Channel] = (),
        say: Callable[[Change], None],
        note: Callable[[str], None],
        seen: Callable[[Look], None] = lambda _look: None,
    ) -> None:
        self._connect, self._asked, self._limits, self._state = connect, asked, limits, state
        self._families, self._told, self._say, self._note, self._seen = families, told, say, note, seen
        self.memory: Memory = load_memory(state)
        self.looks = 0
        self._watched: Watched | None = None
        self._lost = 0
        self._said: set[tuple[str, str, int]] = set()

    @property
    def about(self) -> str:
        """What is watched, for people."""
        whose = self._asked.address or f"token {', '.join(map(str, self._asked.token_ids))}"
        return f"{whose} on {self._watched.network}" if self._watched else whose

    def once(self) -> Look:
        """Look, tell and remember once; raises ``RpcError`` where the endpoint does not answer."""
        if self._watched is None:
            self._watched = self._opened()
        look, memory = self._watched.look(self.memory)
        self.looks += 1
        self._seen(look)
        if self._lost:
            self._note(f"the endpoint answers again, after {self._lost} looks without it")
            self._lost = 0
        memory, found = changes(memory, judge(look, self._limits, memory.paid), look.time)
        for change in found:
            if (change.event, change.key, change.since) not in self._said:
                self._said.add((change.event, change.key, change.since))  # what could not be delivered is found again
                self._say(change)
        self.memory = delivered(memory) if self._reached(found) else memory
        save_memory(self._state, self.memory)
        return look

    def loop(self, every: float, most: int = 0, stopped: Callable[[], bool] = lambda: False) -> None:
        """Look every so many seconds until interrupted or ``stopped``, or ``most`` times; a lost endpoint does not end it."""
        tried = 0
        while True:
            try:
                self.once()
            except RpcError as error:
                self._lost += 1
                if self._lost == 1:
                    self._note(f"the endpoint is lost, watching goes on: {error}")
                    self._tell_lost(str(error))
                self._close()
            tried += 1
            if stopped() or (most and tried >= most):
                return
            sleep(every)

    def close(self) -> None:
        """Let go of the endpoint."""
        self._close()

    def _opened(self) -> Watched:
        rpc = self._connect()
        try:
            return Watched(rpc, self._asked, self._families)
        except BaseException:
            rpc.close()
            raise

    def _close(self) -> None:
        if self._watched is not None:
            self._watched.rpc.close()
            self._watched = None

    def _tell_lost(self, words: str) -> None:
        self._reached([Change("alert", "endpoint lost", self.about, words, int(wall_seconds()))])

    def _reached(self, found: Sequence[Change]) -> bool:
        """Tell everybody; says whether all could be told."""
        reached = True
        for channel in self._told if found else ():
            try:
                channel.tell(self.about, found)
            except NoSource as error:
                self._note(str(error))
                reached = False
        return reached
