"""Watching real positions on a local chain: each condition begins once and ends once, whatever the endpoint does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.proxy import FaultProxy, status
from kit import tidemill
from statement.life import _reprice
from statement.portfolio import ME, OWNER, USDC, WETH, Portfolio
from statement.test_round_trip import asked
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.rpc import Rpc
from tidemill.errors import BadInput
from tidemill.studies.held.asked import Asked
from tidemill.studies.watch.judge import Alert, Limits, judge
from tidemill.studies.watch.look import Watched
from tidemill.studies.watch.memory import Change, Memory
from tidemill.studies.watch.run import Watch
from tidemill.studies.watch.tell import Notifier, Webhook

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def chain() -> Iterator[Portfolio]:
    """A chain on which ME has a range, a debt at each lending market, and a vault's share."""
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        world = Portfolio(anvil, "watch")
        pool = world.clients["range"][ME]
        tick = int(pool.read("slot0")[1]) // 10 * 10
        for venue, verb, args in (
            (
                "range",
                "mint",
                {
                    "tick_lower": tick - 500,
                    "tick_upper": tick + 500,
                    "amount0_desired": 10**13,
                    "amount1_desired": 10**13,
                },
            ),
            ("market", "supply", {"asset": WETH, "amount": 10 * 10**18}),
            ("market", "borrow", {"asset": USDC, "amount": 10_000 * 10**6}),
            ("vault", "deposit", {"assets": 10**9}),
            ("morpho", "supply_collateral", {"assets": 10**19}),
            ("morpho", "borrow", {"assets": 12_000 * 10**6}),
        ):
            world.turn(world.doing(ME, venue, verb, **args))
        assert not [one for one in world.done if type(one.status).__name__ == "Reverted"]
        yield world


@pytest.fixture
def world(chain: Portfolio) -> Iterator[Portfolio]:
    snapshot, price = chain.anvil.snapshot(), chain.price
    yield chain
    chain.anvil.revert(snapshot)
    chain.price = price


def mine(world: Portfolio) -> Asked:
    told = asked(world)
    return Asked(address=told.address, contracts=told.contracts)


def alerts(world: Portfolio, limits: Limits | None = None) -> dict[str, Alert]:
    look, memory = Watched(world.rpc, mine(world)).look(Memory())
    return {one.rule: one for one in judge(look, limits or Limits(), memory.paid)}


def push(world: Portfolio, amount: int = 10**21) -> None:
    """Somebody sells WETH until the price has left the range."""
    world.turn(world.doing(OWNER, "range", "swap_exact_in", token_in=WETH, amount_in=amount, amount_out_min=0))


def test_nothing_is_told_while_all_is_well(world: Portfolio) -> None:
    look, _ = Watched(world.rpc, mine(world)).look(Memory())
    assert not judge(look, Limits())
    assert {one.what for one in look.signs} == {"range", "health", "rate", "closed"}
    assert len(look.positions) == 6 and look.prices["WETH", "USDC"] == world.price * 10**6


def test_a_range_that_the_price_has_left(world: Portfolio) -> None:
    client = world.clients["range"][ME]
    push(world)
    (position,) = [p for p in client.positions(client.account) if p.data["liquidity"]]
    tick = int(client.read("slot0")[1])
    assert not position.data["tick_lower"] <= tick < position.data["tick_upper"]
    told = alerts(world)["out of range"]
    assert told.subject.endswith(position.id.partition("#")[2]) and f"tick {tick}," in told.words
    beyond = max(position.data["tick_lower"] - tick, tick - position.data["tick_upper"] + 1)
    assert "out of range" in alerts(world, Limits(beyond_ticks=beyond - 1))
    assert "out of range" not in alerts(world, Limits(beyond_ticks=beyond))


def test_health_is_what_the_contracts_say(world: Portfolio) -> None:
    _reprice(world, world.price * 75 // 100)
    look, _ = Watched(world.rpc, mine(world)).look(Memory())
    health = {one.subject.partition(":")[0]: one.value for one in look.signs if one.what == "health"}
    market = world.clients["market"][ME]
    assert health["aave_v3"] == market.read("getUserAccountData", market.account)[5] // 10**14
    _, shares, put_up = world.clients["morpho"][ME].read("position", world.clients["morpho"][ME].account)
    assert shares and put_up
    carried = put_up * world.price * 86 // 100 // 10**12
    assert health["morpho_blue"] == pytest.approx(carried * 10_000 // (12_000 * 10**6), abs=2)
    found = {one.subject for one in judge(look, Limits()) if one.rule == "health"}
    assert {name.partition(":")[0] for name in found} == {"aave_v3", "morpho_blue"}
    assert not {one.rule for one in judge(look, Limits(health_bps=health["morpho_blue"]))} & {"health"} or (
        health["aave_v3"] < health["morpho_blue"]
    )
    edge = min(health.values())
    assert "health" not in {one.rule for one in judge(look, Limits(health_bps=edge))}
    assert "health" in {one.rule for one in judge(look, Limits(health_bps=edge + 1))}


def test_a_depeg_and_a_closed_reserve(world: Portfolio) -> None:
    from statement.portfolio import Doing
    from tidemill.chain.abi import Abi
    from tidemill.chain.artefacts import artefact
    from tidemill.chain.types import Call

    assert "depeg" not in alerts(world)
    oracle = Abi(artefact("PriceOracle").abi)
    at = world.clients["market"][OWNER].deployment.oracle
    call = Call(at, oracle.encode("setAssetPrice", world.tokens[USDC], 97 * 10**6))
    world.turn(Doing(OWNER, "", "set_price", {}, (call,)))
    assert alerts(world)["depeg"].words == "one USDC is worth 0.9700 USD"


def test_what_can_be_claimed_is_weighed_against_its_gas(world: Portfolio) -> None:
    push(world, 10**19)
    look, _ = Watched(world.rpc, mine(world)).look(Memory())
    (claim,) = look.claims
    gas_price = int(world.rpc.request("eth_gasPrice"), 16)
    assert claim.worth and claim.cost and claim.cost % gas_price == 0 and 50_000 < claim.cost // gas_price < 500_000
    times = claim.worth // claim.cost
    assert ("claim" in {a.rule for a in judge(look, Limits(claim_times=max(times - 1, 1)))}) == (times > 1)
    assert "claim" not in {a.rule for a in judge(look, Limits(claim_times=times + 1))}


def test_a_rate_is_what_a_share_has_grown_by(world: Portfolio) -> None:
    watched = Watched(world.rpc, mine(world))
    _, memory = watched.look(Memory())
    world.turn(world.doing(OWNER, "vault", "donate", assets=10**9), seconds=86_400)
    look, memory = watched.look(memory)
    rate = next(one for one in look.signs if one.subject.startswith("vUSDC"))
    held = world.clients["vault"][ME].rates(world.rpc.block().number)
    assert held and 3_000 < rate.value < 40_000  # a hundredth of the vault in a day
    assert "rate gone" not in {a.rule for a in judge(look, Limits(), memory.paid)}
    world.turn(seconds=2 * 86_400)
    look, memory = watched.look(memory)
    assert [a.subject for a in judge(look, Limits(), memory.paid) if a.rule == "rate gone"] == [rate.subject]


def test_what_comes_and_goes_between_looks_is_found_from_the_newest_blocks_alone(world: Portfolio) -> None:
    watched = Watched(world.rpc, mine(world))
    before, _ = watched.look(Memory())
    whole = {"tick_lower": -887_270, "tick_upper": 887_270, "amount0_desired": 10**12, "amount1_desired": 10**12}
    (done,) = world.turn(world.doing(ME, "range", "mint", **whole))
    after, _ = watched.look(Memory())
    (new,) = set(after.positions) - set(before.positions)
    assert new.endswith("#" + str(done.status.position).partition("#")[2])
    world.turn(
        world.doing(
            ME,
            "morpho",
            "repay",
            shares=world.clients["morpho"][ME].read("position", world.clients["morpho"][ME].account)[1],
        )
    )
    last, _ = watched.look(Memory())
    assert {name.partition(":")[0] for name in set(after.positions) - set(last.positions)} == {"morpho_blue"}


# --- telling ----------------------------------------------------------------------------------------------------------


class Hook:
    """A webhook on this machine."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.status = 204
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.status < 300:
                    hook.got.append(json.loads(body))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Watching:
    """Makes watches of one account that say and note into lists; all are closed in the end."""

    def __init__(self, world: Portfolio, state: Path, hook: Hook) -> None:
        self.world, self.state, self.hook = world, state, hook
        self.said: list[Change] = []
        self.notes: list[str] = []
        self.made: list[Watch] = []

    def new(self, address: str = "") -> Watch:
        """Return another run of the same watch."""
        self.made.append(
            Watch(
                lambda: Rpc.connect(address or self.world.anvil.socket, attempts=1),
                mine(self.world),
                Limits(),
                self.state,
                told=(Webhook(self.hook.address),),
                say=self.said.append,
                note=self.notes.append,
            )
        )
        return self.made[-1]


@pytest.fixture
def watching(world: Portfolio, tmp_path: Path, hook: Hook) -> Iterator[Watching]:
    made = Watching(world, tmp_path / "state.json", hook)
    yield made
    for one in made.made:
        one.close()


def test_each_condition_is_told_once_also_by_another_run_and_its_end_once(watching: Watching) -> None:
    world, hook, said = watching.world, watching.hook, watching.said
    watch = watching.new()
    watch.once()
    assert not said and not hook.got
    start = world.price
    _reprice(world, start * 6 // 10)
    watch.once()
    began = [(one.event, one.rule) for one in said]
    assert ("alert", "health") in began and len(began) == len({(one.event, one.key) for one in said})
    assert [[c["rule"] for c in got["changes"]] for got in hook.got] == [[rule for _, rule in began]]
    watch.once()
    watching.new().once()  # another run remembers
    assert len(said) == len(began) and len(hook.got) == 1
    _reprice(world, start)
    watching.new().once()
    assert {one.event for one in said[len(began) :]} == {"over"} and len(hook.got) == 2
    watching.new().once()
    assert len(hook.got) == 2 and not watching.notes


def test_what_could_not_be_delivered_is_told_again(watching: Watching) -> None:
    hook, said = watching.hook, watching.said
    watch = watching.new()
    _reprice(watching.world, watching.world.price * 6 // 10)
    hook.status = 500
    watch.once()
    count = len(said)
    assert count and not hook.got and "HTTP 500; what there is to tell is kept" in watching.notes[0]
    hook.status = 200
    watch.once()
    assert len(hook.got) == 1 and len(hook.got[0]["changes"]) == count and len(said) == count
    watch.once()
    assert len(hook.got) == 1


def test_a_lost_endpoint_is_said_once_and_watching_goes_on(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    from tidemill.studies.watch import run

    monkeypatch.setattr(run, "sleep", lambda _seconds: None)
    with FaultProxy(watching.world.anvil.http) as proxy:
        watch = watching.new(proxy.url)
        watch.loop(1, most=1)
        proxy.faults += [status(503)] * 3
        watch.loop(1, most=5)
        before = watch.looks
        watch.loop(1, stopped=lambda: True)  # interrupted where nobody heard it: one look more, and no other
        assert watch.looks == before + 1
        watch.close()
    notes = watching.notes
    assert watch.looks >= 3 and not watching.said
    assert (
        "the endpoint is lost, watching goes on" in notes[0] and "answers again, after" in notes[1] and len(notes) == 2
    )
    assert [one["changes"][0]["rule"] for one in watching.hook.got] == ["endpoint lost"]


@pytest.mark.filterwarnings("ignore:.*imghdr.*:DeprecationWarning")
def test_a_notifier_sends_through_a_well_known_package(hook: Hook) -> None:
    pytest.importorskip("apprise")
    port = hook.server.server_port
    Notifier(f"json://127.0.0.1:{port}/hook").tell("mine", [Change("alert", "health", "a", "low", 1)])
    assert hook.got[0]["title"] == "tidemill: mine" and hook.got[0]["message"] == "health: a: low"
    with pytest.raises(BadInput, match="nowhere://…: no address that Apprise knows"):
        Notifier("nowhere://secret")


# --- the command ------------------------------------------------------------------------------------------------------


def options(world: Portfolio, state: Path, *more: object) -> list[object]:
    told = mine(world)
    at = [word for kind, place in told.contracts for word in ("--at", f"{kind}={place}")]
    return ["watch", *more, "--address", told.address, "--rpc", world.anvil.socket, *at, "--state", state]


def test_one_look_answers_by_its_exit_code(world: Portfolio, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    said = tidemill(*options(world, state, "--once"))
    assert (said.code, said.out) == (0, "") and "6 positions" in said.err
    _reprice(world, world.price * 6 // 10)
    said = tidemill(*options(world, state, "--once"))
    assert said.code == 3 and "health: aave_v3:pool-" in said.out and "below 1.25" in said.out
    said = tidemill(*options(world, state, "--once", "--json"))
    (line,) = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 3 and line["event"] == "looked" and {one["rule"] for one in line["active"]} >= {"health"}
    assert (
        tidemill(*options(world, tmp_path / "other.json", "--once", "--health", "0.5", "--claim", 1_000_000)).code == 0
    )


def test_a_study_says_network_families_and_guard(world: Portfolio, tmp_path: Path) -> None:
    study = Path(__file__).parents[2] / "examples" / "lending.toml"
    said = tidemill(*options(world, tmp_path / "state.json", study, "--once"))
    assert said.code == 0 and "4 positions" in said.err  # those that lend and borrow, at two places
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(study.read_text().replace("op-mainnet", "base"))
    said = tidemill(*options(world, tmp_path / "state.json", elsewhere, "--once"))
    assert said.code == 2 and "network: base is chain 8453, the endpoint" in said.err
    said = tidemill(*options(world, tmp_path / "state.json", study, "--once", "--network", "base"))
    assert said.code == 2 and "network: the study has no venue on base" in said.err
    loop = Path(__file__).parents[2] / "examples" / "leveraged_staking.toml"
    guarded = tmp_path / "guarded.toml"
    guarded.write_text(loop.read_text().replace("guard_bps = 12_500", "guard_bps = 16_500"))
    said = tidemill(*options(world, tmp_path / "state.json", guarded, "--once"))
    assert said.code == 3 and "below 1.65" in said.out


def test_a_watch_is_stopped_by_ctrl_c(world: Portfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tidemill.studies.watch import run

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "sleep", interrupted)
    said = tidemill(*options(world, tmp_path / "state.json", "--every", 1))
    assert said.code == 0 and "stopped after 1 looks" in said.err
    assert msgspec.json.decode((tmp_path / "state.json").read_bytes())["schema"] == 1


def test_a_watch_in_a_process_of_its_own_ends_with_an_interrupt(world: Portfolio, tmp_path: Path) -> None:
    words = [str(word) for word in options(world, tmp_path / "state.json", "--every", 1, "--json")]
    _reprice(world, world.price * 6 // 10)
    command = [sys.executable, "-m", "tidemill", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            first = json.loads(process.stdout.readline())
            for _ in range(200):  # an interrupt between telling and remembering has it told again
                if (tmp_path / "state.json").exists():
                    break
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (first["event"], first["rule"]) == ("alert", "health")
    assert process.returncode == 0 and "Traceback" not in err
    assert msgspec.json.decode((tmp_path / "state.json").read_bytes())["active"]
