"""Ingestion from a real local chain, through an endpoint that lies, limits, times out and is killed."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import subprocess
import sys

import pytest
from msgspec.structs import replace

from harness import actor, assert_same
from harness.proxy import FaultProxy, changed, cut, error, html, result, status, vanish
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.rpc import Rpc
from tidemill.errors import BadData, BadInput, RpcError
from tidemill.interfaces import Intent, Limits
from tidemill.market import load_dataset, verify
from tidemill.market.exact import replay_model
from tidemill.market.fetch import fetch_chunks, in_bloom, suggested_range
from tidemill.market.ingest import IngestSpec, ingest, ingest_pool
from tidemill.market.limbs import from_limbs
from tidemill.market.schema import Kind
from tidemill.venues.uniswap_v3.client import UniswapV3Client
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local, endow

pytestmark = pytest.mark.chain

ME, OTHER, GOVERNOR = actor("alice"), actor("bob"), "0x" + "60" * 20


class Market:
    """A pool on a local chain with a random past: ``first`` is where ingestion begins, ``last`` where it ends."""

    def __init__(self, anvil: Anvil, seed: str, actions: int = 200) -> None:
        self.anvil = anvil
        tokens = [LocalToken("USDC@op", 6), LocalToken("WETH@op", 18)]
        self.at = deploy_local(anvil, *tokens, fee=500, sqrt_price_x96=1 << 96)
        endow(anvil, self.at, [ME, OTHER], 1 << 110, 1 << 110)
        self.clients = {w: UniswapV3Client(anvil.rpc, self.at, venue="p", account=w) for w in (ME, OTHER, GOVERNOR)}
        self.rng = random.Random(seed)
        wide = {"tick_lower": -6000, "tick_upper": 6000, "liquidity": 10**15}
        self.block(
            [(ME, "pool_mint", wide), (GOVERNOR, "pool_set_fee_protocol", {"fee_protocol_0": 4, "fee_protocol_1": 6})]
        )
        self.some(actions // 3)
        self.first = anvil.rpc.block().number + 1
        self.some(actions)
        self.last = anvil.rpc.block().number
        anvil.skip(3)

    def some(self, count: int) -> None:
        while count > 0:
            size = min(count, self.rng.choice((0, 1, 1, 2, 4)))
            self.block([self.draw() for _ in range(size)])
            count -= max(size, 1)

    def draw(self) -> tuple[str, str, dict]:
        rng, who = self.rng, self.rng.choice((ME, OTHER))
        lower = rng.randrange(-300, 300, 10)
        ticks = {"tick_lower": lower, "tick_upper": lower + rng.choice((10, 20, 200))}
        wide = {"tick_lower": -6000, "tick_upper": 6000}
        swap = {"zero_for_one": rng.random() < 0.5}
        return rng.choice(
            [
                (who, "pool_mint", {**ticks, "liquidity": rng.randrange(10**12, 10**16)}),
                (ME, "pool_mint", {**wide, "liquidity": rng.randrange(10**12, 10**14)}),
                (ME, "pool_burn", {**wide, "liquidity": rng.randrange(10**11)}),
                (ME, "pool_collect", wide),
                (who, "pool_swap", {**swap, "amount_specified": rng.randrange(1, 10**14)}),
                (who, "pool_swap", {**swap, "amount_specified": rng.randrange(1, 10**13)}),
                (who, "pool_swap", {**swap, "amount_specified": -rng.randrange(1, 10**13)}),
                (who, "pool_flash", {"amount0": rng.randrange(1, 10**9), "amount1": rng.randrange(1, 10**9)}),
                (who, "pool_increase_observations", {"observation_cardinality_next": rng.randrange(1, 6)}),
                (GOVERNOR, "pool_set_fee_protocol", {"fee_protocol_0": rng.choice((0, 4, 10)), "fee_protocol_1": 5}),
                (GOVERNOR, "pool_collect_protocol", {}),
            ]
        )

    def block(self, acts: list[tuple[str, str, dict]]) -> None:
        sent = []
        for who, verb, args in acts:
            sent += [(who, call) for call in self.clients[who].plan(Intent("p", verb, args, Limits()))]
        self.anvil.mine(sent)

    def spec(self, **changes: object) -> IngestSpec:
        told = {"address": self.at.pool, "network": "op", "first_block": self.first, "last_block": self.last}
        return IngestSpec(**{**told, "unfinalised": True, "positions_from": 0, "blooms": 1000, **changes})

    def rpc(self, url: str | None = None) -> Rpc:
        return Rpc.connect(url or self.anvil.http, attempts=3, pause_s=0.001, timeout_s=5)


@pytest.fixture(scope="module")
def chain():
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        yield Market(anvil, "ingest")


@pytest.fixture(scope="module")
def clean(chain, tmp_path_factory):
    return ingest(chain.rpc(), chain.spec(), tmp_path_factory.mktemp("clean") / "pool")


def plain(state) -> dict:
    kept = {
        f.name: getattr(state, f.name)
        for f in dataclasses.fields(state)
        if f.name not in {"journal", "token0", "token1"}
    }
    for name in ("positions", "observations", "bitmap"):
        kept[name] = {k: v for k, v in sorted(kept[name].items()) if (any(v) if isinstance(v, tuple) else v)}
    kept["ticks"] = dict(sorted(kept["ticks"].items()))
    return kept


def test_round_trip_ends_in_the_state_of_the_chain(chain, clean):
    """Chain, endpoint, dataset, exact replay: pool, ticks, observations and every position equal ``eth_call``."""
    kinds = {Kind(k) for k in clean.events["kind"]}
    assert kinds >= {
        Kind.SWAP,
        Kind.MINT,
        Kind.BURN,
        Kind.COLLECT,
        Kind.FLASH,
        Kind.SET_FEE_PROTOCOL,
        Kind.COLLECT_PROTOCOL,
    }
    assert clean.events.height > 60
    assert len(clean.state["positions"]) >= 4
    replayed = replay_model(load_dataset(clean.folder))
    there = chain.clients[ME].snapshot(block=chain.last).pool
    assert_same(plain(replayed), plain(there), "pool")
    # the tape's fees, protocol's share off and flashes included, are the growth on chain; a split rounds down once more
    tape = clean.tape()
    grown = [0, 0]
    for down, fee, depth in zip(tape.zero_for_one, from_limbs(tape.fee), from_limbs(tape.liquidity), strict=True):
        grown[0 if down else 1] += (fee << 128) // depth
    for token, mine in enumerate(grown):
        name = f"fee_growth_global_{token}_x128"
        assert 0 <= getattr(there, name) - int(clean.state[name]) - mine <= len(tape.cell)
    account = clean.replay.account
    assert account.fidelity == "exact" and account.reproduced == account.swaps > 15


@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_other_markets_round_trip_too(seed, tmp_path):
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        market = Market(anvil, seed, actions=120)
        dataset = ingest(market.rpc(), market.spec(), tmp_path / "pool")
        assert_same(plain(replay_model(dataset)), plain(market.clients[ME].snapshot(block=market.last).pool), "pool")


def test_what_was_ingested_is_described(chain, clean):
    manifest = clean.manifest
    assert (manifest.first_block, manifest.last_block) == (chain.first, chain.last)
    assert manifest.fidelity == "exact" and not manifest.synthetic
    assert manifest.pool.chain_id == 10
    assert [(t.symbol, t.decimals) for t in (manifest.pool.token0, manifest.pool.token1)] == [("USDC", 6), ("WETH", 18)]
    assert manifest.provider.startswith("http://127.0.0.1") and manifest.query.endswith(
        chain.anvil.rpc.block(chain.last).hash
    )
    assert verify(clean.folder).ok
    assert set(clean.events["block_hash"].str.len_chars()) == {66}
    assert clean.blocks["block"].to_list() == sorted(set(clean.events["block"].to_list()))
    assert sorted(p.name for p in clean.folder.parent.iterdir()) == ["pool"]


REFUSALS = [
    (-32602, "query returned more than 10000 results. Try with this block range [{first:#x}, {fits:#x}]."),
    (-32005, "query returned more than 10000 results"),
    (-32600, "Log response size exceeded. You can make eth_getLogs requests with up to a {limit} block range"),
    (-32614, "eth_getLogs is limited to a {limit} range"),
    (-32602, "eth_getLogs and eth_newFilter are limited to a {limit} blocks range"),
    (-32000, "exceed maximum block range: {limit}"),
    (-32000, "query exceeds max block range {limit}"),
    (-32000, "block range is too wide"),
    (-32602, "block range too large"),
    (-32000, "requested too many blocks from {first} to {last}, maximum is set to {limit}"),
    (-32701, "Please limit the query to at most {limit} blocks"),
    (-32005, "limit exceeded"),
    (-32000, "query timeout exceeded"),
    (-32000, "backend response too large"),
    (-32603, "response size should not greater than 10000000 bytes"),
    (-32008, "response is too big: 10485760 exceeds the limit"),
    (-32000, "too wide blocks range, the limit is {limit}"),
    (-32012, "Block range limit exceeded. See more details"),
    (-32602, "invalid block range params"),
    (-32000, "getLogs request exceeded max allowed range"),
    (-32600, "maximum allowed number of requested blocks is {limit}"),
    (-32602, "range {first} to {last} is above the maximum of {limit}"),
    (-32000, "Too many results, reduce the range"),
    (-32000, "The query took too long; request fewer blocks and try again"),
    (429, "compute units: throughput exceeded for this size of query"),
    (-32603, "Internal error"),
    (0, ""),
]


def asked(exchange) -> tuple[dict | None, int, int]:
    """The log query of a request, and its range."""
    body = json.loads(exchange.body)
    if isinstance(body, dict) and body["method"] == "eth_getLogs":
        query = body["params"][0]
        return body, int(query["fromBlock"], 16), int(query["toBlock"], 16)
    return None, 0, 0


@pytest.mark.parametrize(("code", "text"), REFUSALS, ids=[t[:40] for _, t in REFUSALS])
def test_ranges_adapt_to_every_refusal(chain, clean, tmp_path, code, text):
    limit = 7

    def fault(exchange):
        query, first, last = asked(exchange)
        if query is not None and last - first + 1 > limit:
            error(code, text.format(first=first, last=last, limit=limit, fits=first + limit - 1))(exchange)
        else:
            exchange.reply(exchange.forward())

    with FaultProxy(chain.anvil.http) as proxy:
        proxy.always = fault
        chunks = fetch_chunks(chain.rpc(proxy.url), chain.at.pool, chain.first, chain.last, tmp_path, blooms=0)
    assert sum(len(c.logs) for c in chunks) == clean.events.height
    assert [c.first for c in chunks[1:]] == [c.last + 1 for c in chunks[:-1]]
    assert max(c.last - c.first + 1 for c in chunks) <= limit


def test_a_round_number_of_logs_is_taken_as_cut_short(chain, clean, tmp_path, monkeypatch):
    monkeypatch.setattr("tidemill.market.fetch._PAGE", 10)

    def fault(exchange):
        query, _, _ = asked(exchange)
        if query is None:
            exchange.reply(exchange.forward())
        else:  # an endpoint that silently gives the first ten only
            changed(lambda answer: {**answer, "result": answer["result"][:10]})(exchange)

    with FaultProxy(chain.anvil.http) as proxy:
        proxy.always = fault
        chunks = fetch_chunks(chain.rpc(proxy.url), chain.at.pool, chain.first, chain.last, tmp_path)
    assert sum(len(c.logs) for c in chunks) == clean.events.height


def test_a_refused_single_block_is_the_end(chain, tmp_path):
    with FaultProxy(chain.anvil.http) as proxy:
        proxy.always = lambda e: error(-32000, "no logs today")(e) if asked(e)[0] else e.reply(e.forward())
        with pytest.raises(RpcError, match=f"no logs today .*single block {chain.first}"):
            fetch_chunks(chain.rpc(proxy.url), chain.at.pool, chain.first, chain.last, tmp_path)


def on_logs(change):
    """Change the logs of every log query."""

    def fault(exchange):
        if asked(exchange)[0] is None:
            exchange.reply(exchange.forward())
        else:
            changed(lambda answer: {**answer, "result": change(answer["result"]) if answer["result"] else []})(exchange)

    return fault


LIES = {
    "another contract": (lambda logs: [{**logs[0], "address": "0x" + "ab" * 20}, *logs[1:]], "of contract 0xabab"),
    "another block": (
        lambda logs: [{**logs[0], "blockNumber": "0x1"}, *logs[1:]],
        "in block 1, which was not asked for",
    ),
    "another fork": (
        lambda logs: [{**logs[0], "blockHash": "0x" + "cd" * 32}, *logs[1:]],
        "block hash 0xcdcd.*the header of block",
    ),
    "twice": (lambda logs: [logs[0], *logs], "given twice"),
    "out of order": (lambda logs: [*logs[1:], logs[0]], "out of order"),
    "removed": (lambda logs: [{**logs[0], "removed": True}, *logs[1:]], "removed by a reorganisation"),
    "cut data": (lambda logs: [{**logs[0], "data": logs[0]["data"][:-1]}, *logs[1:]], "data is"),
    "no list": (lambda logs: {"logs": logs}, "expected a list"),
    "empty": (lambda logs: [], "the endpoint hides logs"),
    "one missing block": (lambda logs: [x for x in logs if x["blockNumber"] != logs[0]["blockNumber"]], "hides logs"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_named_and_nothing_is_written(chain, tmp_path, lie):
    change, says = LIES[lie]
    with FaultProxy(chain.anvil.http) as proxy:
        proxy.always = on_logs(change)
        with pytest.raises(RpcError, match=says) as caught:
            ingest(chain.rpc(proxy.url), chain.spec(with_state=False), tmp_path / "pool")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists()


def test_an_endpoint_that_hides_logs_and_receipts_is_refused(chain, tmp_path):
    def fault(exchange):
        body = json.loads(exchange.body)
        if isinstance(body, dict) and body["method"] == "eth_getBlockReceipts":
            error(-32601, "the method is not available")(exchange)
        else:
            on_logs(lambda _: [])(exchange)

    with FaultProxy(chain.anvil.http) as proxy:
        proxy.always = fault
        with pytest.raises(RpcError, match="receipts are refused .*use another endpoint"):
            ingest(chain.rpc(proxy.url), chain.spec(with_state=False), tmp_path / "pool")


FAULTS = {
    "503": status(503),
    "429": status(429, Retry_After="0"),
    "a web page": html,
    "half an answer": cut,
    "no answer": vanish,
    "null": result(None),
}


@pytest.mark.parametrize("fault", list(FAULTS.values()), ids=list(FAULTS))
@pytest.mark.parametrize("at", [0, 2, 5])
def test_one_fault_anywhere_heals_or_is_named_and_resumes_to_the_same_hash(chain, clean, tmp_path, fault, at):
    target = tmp_path / "pool"
    with FaultProxy(chain.anvil.http) as proxy:
        rpc = chain.rpc(proxy.url)
        proxy.faults = [lambda e: e.reply(e.forward())] * at + [fault]
        try:
            found = ingest(rpc, chain.spec(max_range=20), target)
        except RpcError:
            assert not target.exists()
            found = ingest(rpc, chain.spec(max_range=20), target)
    assert found.content_hash == clean.content_hash


KILL = """
import os, sys
import msgspec
from tidemill.chain.rpc import Rpc
from tidemill.market.ingest import IngestSpec, ingest
at, seen = int(sys.argv[4]), 0
place = sys.argv[3]
def count(event, args):
    global seen
    if event in ("open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree") and place in str(args[0]):
        seen += 1
        if seen == at:
            os._exit(9)
sys.addaudithook(count)
ingest(Rpc.connect(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=IngestSpec), place + "/pool")
os._exit(0)
"""


@pytest.mark.parametrize("stride", [6, pytest.param(1, marks=pytest.mark.long)])
def test_killed_at_any_write_it_comes_to_the_same_hash(chain, clean, tmp_path, stride):
    import msgspec

    spec = msgspec.json.encode(chain.spec(max_range=40)).decode()
    at, kills = 1, 0
    while True:
        place = tmp_path / str(at)
        place.mkdir()
        command = [sys.executable, "-c", KILL, chain.anvil.http, spec, str(place), str(at)]
        code = subprocess.run(command, check=False, capture_output=True).returncode
        assert code in {0, 9}
        if code == 0:
            break
        kills += 1
        found = ingest(chain.rpc(), chain.spec(max_range=40), place / "pool")
        assert found.content_hash == clean.content_hash
        assert verify(place / "pool").ok
        assert sorted(p.name for p in place.iterdir()) == ["pool"]
        at += stride if at > 4 else 1
    print(f"{kills} kills, at file operations up to number {at - 1}")
    assert kills >= 9


def test_a_chain_reorganised_under_the_pinned_block_stops_it(tmp_path):
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        market = Market(anvil, "reorg", actions=30)
        with FaultProxy(anvil.http) as proxy:
            proxy.always = lambda e: error(-32000, "no")(e) if asked(e)[0] else e.reply(e.forward())
            with pytest.raises(RpcError):
                ingest(market.rpc(proxy.url), market.spec(with_state=False), tmp_path / "pool")
        anvil.reorganise(5)
        with pytest.raises(
            RpcError, match=f"block {market.last} was 0x.* the chain was reorganised; nothing is written"
        ):
            ingest(market.rpc(), market.spec(with_state=False), tmp_path / "pool")
        assert not (tmp_path / "pool").exists()
        assert (tmp_path / ".pool.ingest" / "plan.json").is_file()


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"first_block": 0}, BadInput, "empty or reversed"),
        ({"first_block": 10**6}, BadInput, "empty or reversed"),
        ({"unfinalised": False}, BadInput, "not final yet, the newest final block is"),
        ({"address": "0x" + "77" * 20}, RpcError, "no Uniswap v3 pool"),
    ],
)
def test_absurd_requests_are_one_line(chain, tmp_path, change, kind, says):
    with pytest.raises(kind, match=says) as caught:
        ingest(chain.rpc(), chain.spec(**change), tmp_path / "pool")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists()


def test_a_lying_chain_id_is_refused(chain):
    with pytest.raises(RpcError, match="is on chain 10, expected chain 1"):
        Rpc.connect(chain.anvil.http, chain_id=1)


def test_an_unfinished_ingestion_of_something_else_is_not_mixed_in(chain, tmp_path):
    with FaultProxy(chain.anvil.http) as proxy:
        proxy.always = lambda e: error(-32000, "no")(e) if asked(e)[0] else e.reply(e.forward())
        with pytest.raises(RpcError):
            ingest(chain.rpc(proxy.url), chain.spec(with_state=False), tmp_path / "pool")
    with pytest.raises(BadInput, match="holds another unfinished ingestion"):
        ingest(chain.rpc(), chain.spec(first_block=chain.first + 1), tmp_path / "pool")
    plan = tmp_path / ".pool.ingest" / "plan.json"
    plan.write_text("{")
    with pytest.raises(BadData, match="plan.json: damaged"):
        ingest(chain.rpc(), chain.spec(), tmp_path / "pool")


def test_keys_in_the_address_do_not_reach_the_dataset(chain, tmp_path):
    key = "KEYKEYKEYKEYKEYKEYKEYKEYKEY"
    with FaultProxy(chain.anvil.http) as proxy:
        rpc = chain.rpc(f"{proxy.url}/v2/{key}?token={key}")
        dataset = ingest(rpc, chain.spec(with_state=False), tmp_path / "pool")
    for path in dataset.folder.iterdir():
        assert key.encode() not in path.read_bytes()
    assert dataset.manifest.fidelity == "inferred"


def test_a_described_pool_is_ingested_by_address(chain, clean, tmp_path):
    chain.anvil.skip(70)  # anvil calls blocks final once 64 others stand on them
    told = []
    with pytest.raises(BadInput, match=r"fee: 3000 given, the pool 0x.* says 500"):
        ingest_pool(chain.anvil.http, replace(clean.pool, fee=3000), chain.first, chain.last, tmp_path / "pool")
    wrong = replace(clean.pool, token1=replace(clean.pool.token1, decimals=8))
    with pytest.raises(BadInput, match=r"token1: decimals, 8 given, the pool .* says 18"):
        ingest_pool(chain.anvil.http, wrong, chain.first, chain.last, tmp_path / "pool")
    found = ingest_pool(chain.anvil.http, clean.pool, chain.first, chain.last, tmp_path / "pool", progress=told.append)
    assert found.manifest.fidelity == "exact"
    assert found.events.equals(clean.events)
    assert len(told) == 1 and f"{clean.events.height} logs" in told[0]


def test_without_an_archive_it_goes_on_and_says_so(chain, clean, tmp_path):
    def fault(exchange):
        body = json.loads(exchange.body)
        old = isinstance(body, list) and any(
            m["method"] == "eth_call" and isinstance(m["params"][1], dict) for m in body
        )
        if old:
            changed(
                lambda many: [
                    {"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32000, "message": "missing trie node"}}
                    for m in many
                ]
            )(exchange)
        else:
            exchange.reply(exchange.forward())

    told = []
    with FaultProxy(chain.anvil.http) as proxy:
        proxy.always = fault
        found = ingest_pool(proxy.url, clean.pool, chain.first, chain.last, tmp_path / "pool", progress=told.append)
    assert found.manifest.fidelity == "inferred"
    assert "missing trie node" in told[0] and "inferred, not exact" in told[0]
    # the protocol's share before the first event, read from the first change of it
    start = (clean.pool.fee_protocol0, clean.pool.fee_protocol1)
    assert (found.pool.fee_protocol0, found.pool.fee_protocol1) == start
    assert start == (int(clean.state["fee_protocol_0"]), int(clean.state["fee_protocol_1"]))


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("Try with this block range [0x64, 0x70].", 0x70),
        ("Try with this block range [0x65, 0x70].", None),
        ("Try with this block range [0x64, 0xffff].", None),
        ("eth_getLogs is limited to a 5 range", 104),
        ("up to a 2K block range", None),
        ("up to a 1K block range and no limit on the response size", 1099),
        ("maximum block range: 1,000", 1099),
        ("query returned more than 500 results", None),
        ("max results 10000 exceeded", None),
        ("nothing of use", None),
    ],
)
def test_hints_are_followed_only_where_they_help(reason, end):
    assert suggested_range(reason, 100, 1900) == end


def test_bloom_filters_are_read_as_the_chain_writes_them(chain, clean):
    full = chain.anvil.rpc.raw_block(clean.events["block"][0])["logsBloom"]
    assert in_bloom(full, chain.at.pool)
    assert not in_bloom("0x" + "00" * 256, chain.at.pool)
    strangers = [f"0x{k:040x}" for k in range(1, 400)]
    assert sum(in_bloom(full, s) for s in strangers) < 20
    assert re.fullmatch("0x[0-9a-f]{512}", full)
