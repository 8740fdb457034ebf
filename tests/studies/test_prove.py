"""Deployed contracts held against the models: one local chain plays the user's, a second one is forked from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest

from harness import actor, proxy
from kit import tidemill
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.types import Call
from tidemill.errors import BadInput, RpcError
from tidemill.interfaces import Block, Intent
from tidemill.studies.prove import Wanted, known_beside, prove
from tidemill.studies.prove_document import ProofDocument
from tidemill.venues.aave_v3.client_abi import POOL
from tidemill.venues.erc4626.client import VAULT
from tidemill.venues.kinds import Setup, kind
from tidemill.venues.shared.client_parts import ask
from tidemill.venues.shared.ground import Ground
from tidemill.venues.uniswap_v3.client import UniswapV3Client
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local, endow

pytestmark = pytest.mark.chain

ME = actor("somebody")
EIP1967 = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC
"""The word of a proxy that names its implementation."""
SPREAD = 600


class Deployed(NamedTuple):
    """A venue that somebody has deployed; ``code`` says where its code lies, behind a proxy for one."""

    anvil: Anvil
    address: str
    beside: Mapping[str, str]
    replay: int
    code: str = ""


def scripted(anvil: Anvil, name: str, decimals: dict[str, int], params: dict[str, Any], steps: int) -> Any:
    """Deploy a kind as a rehearsal does and let others do their first steps."""
    chosen = {key: default for key, (default, _) in kind(name).params.items()} | params
    setup = Setup(
        id="it", network="test", mode="", params=chosen, decimals=decimals, market=None, random=Random,
        first_from=lambda time: Block(time=time, number=time), start=0, end=30 * 86_400,
    )  # fmt: skip
    placed = kind(name).place(setup)
    ground = Ground(anvil, ME, decimals | dict(placed.tokens))
    seat = import_module(f"tidemill.venues.{name}.local").seat("it", "test", None, placed, None, None)
    local = seat.local(ground)
    local.start(Block(time=0, number=0))
    for item in local.others()[:steps]:
        ground.run(local.calls(item), "others", ground.rpc.block().timestamp + SPREAD)
    return local


def pair(anvil: Anvil) -> Deployed:
    params = {"token0": "WETH", "token1": "USDC", "lp": "LP", "price": "3000", "protocol_fee": 1}
    at = scripted(anvil, "uniswap_v2", {"WETH": 18, "USDC": 6, "LP": 18}, params, 30).client.deployment
    return Deployed(anvil, at.pair, {"router": at.router}, 20)


def vault(anvil: Anvil) -> Deployed:
    params = {"asset": "USDC", "share": "vUSDC", "decimals_offset": 6}
    local = scripted(anvil, "erc4626", {"USDC": 6, "vUSDC": 12}, params, 20)
    return Deployed(anvil, local.client.deployment.vault, {}, 5)


def farm(anvil: Anvil) -> Deployed:
    local = scripted(anvil, "staking_rewards", {"USDC": 6, "OP": 18}, {"staking": "USDC", "reward": "OP"}, 8)
    return Deployed(anvil, local.client.deployment.farm, {}, 2)


def chef(anvil: Anvil) -> Deployed:
    params = {"staking": "LP", "reward": "SUSHI", "other_points": 50, "staked": "1000"}
    local = scripted(anvil, "minichef", {"LP": 18, "SUSHI": 18}, params, 12)
    return Deployed(anvil, local.client.deployment.chef, {}, 3)


def market(anvil: Anvil) -> Deployed:
    params = {"loan": "USDC", "collateral": "WETH", "price": "3000", "rate": "adaptive_curve"}
    at = scripted(anvil, "morpho_blue", {"USDC": 6, "WETH": 18}, params, 30).client.deployment
    return Deployed(anvil, at.morpho, {"market": "0x" + at.id.hex()}, 0)


def lending(anvil: Anvil, version: str = "3.0") -> Deployed:
    params = {"asset": "USDC", "collateral": "WETH", "collateral_usage_bps": 500, "version": version}
    local = scripted(anvil, "aave_v3", {"USDC": 6, "WETH": 18}, params, 30)
    at = local.client.deployment
    if version == "3.6":
        categories(anvil, local.ground.address("deployer"), at)
    return Deployed(anvil, at.pool, {}, 0, f"0x{anvil.rpc.storage(at.pool, EIP1967):040x}")


def categories(anvil: Anvil, admin: str, at: Any) -> None:
    """Two e-modes of v3.6: both tokens lend USDC; ether lends itself, and the dollar lends nothing."""
    (provider,) = ask(anvil.rpc, at.pool, POOL, "ADDRESSES_PROVIDER", (), "latest")
    place = "function getPoolConfigurator() view returns (address)"
    (configurator,) = ask(anvil.rpc, provider, place, "getPoolConfigurator", (), "latest")
    usdc, weth = (reserve.token for reserve in at.reserves.values())
    calls: list[tuple[Any, ...]] = [("setEModeCategory", number, 9_000, 9_200, 10_100, "") for number in (1, 3)]
    calls += [("setAssetCollateralInEMode", token, number, True) for token in (usdc, weth) for number in (1, 3)]
    calls += [("setAssetBorrowableInEMode", token, number, True) for token, number in ((usdc, 1), (weth, 3))]
    calls.append(("setAssetLtvzeroInEMode", usdc, 3, True))
    codec = Abi(artefact("PoolConfiguratorInstance").abi)
    assert all(
        receipt.status
        for receipt in anvil.mine([(admin, Call(configurator, codec.encode(*call))) for call in calls])[1]
    )


def newer_lending(anvil: Anvil) -> Deployed:
    made = lending(anvil, "3.6")
    logic = "function getSupplyLogic() view returns (address)"
    return made._replace(code=ask(anvil.rpc, made.address, logic, "getSupplyLogic", (), "latest")[0])


def pool(anvil: Anvil) -> Deployed:
    at = deploy_local(anvil, LocalToken("USDC@x", 6), LocalToken("WETH@x", 18), fee=500, sqrt_price_x96=1 << 96)
    endow(anvil, at, [ME], 1 << 110, 1 << 110)
    client = UniswapV3Client(anvil.rpc, at, venue="pool", account=ME)
    for lower, upper in ((-6_000, 6_000), (-500, 200)):
        args = {"tick_lower": lower, "tick_upper": upper, "amount0_desired": 10**18, "amount1_desired": 10**18}
        receipts = anvil.mine([(ME, call) for call in client.plan(Intent("pool", "mint", args))])[1]
        assert all(receipt.status for receipt in receipts)
    return Deployed(anvil, at.pool, {"position_manager": at.manager, "router": at.router}, 1)


MAKE: dict[str, Callable[[Anvil], Deployed]] = {
    "uniswap_v2": pair,
    "uniswap_v3": pool,
    "erc4626": vault,
    "staking_rewards": farm,
    "minichef": chef,
    "morpho_blue": market,
    "aave_v3": lending,
    "aave_v3 3.6": newer_lending,
}
"""By kind, and whatever tells two of one kind apart."""
VERBS = {
    "uniswap_v2": set(
        "add_liquidity remove_liquidity swap_exact_in swap_exact_out send pair_mint pair_burn pair_swap skim sync".split()
    ),
    "uniswap_v3": set(
        "mint increase decrease harvest close swap_exact_in swap_exact_out pool_mint pool_burn pool_collect pool_swap "
        "pool_flash pool_increase_observations".split()
    ),
    "erc4626": {"deposit", "mint", "withdraw", "redeem", "donate"},
    "staking_rewards": {"stake", "withdraw", "claim", "exit"},
    "minichef": set("deposit withdraw harvest withdraw_and_harvest exit update_pool emergency_withdraw".split()),
    "morpho_blue": set("supply withdraw supply_collateral withdraw_collateral borrow repay accrue".split()),
    "aave_v3": set("supply withdraw borrow repay repay_with_supply set_collateral set_emode mint_to_treasury".split()),
    "aave_v3 3.6": set(
        "supply withdraw borrow repay repay_with_supply set_collateral set_emode mint_to_treasury".split()
    ),
}
REFUSED = {
    "uniswap_v2": "UniswapV2: K",
    "uniswap_v3": "Too little received",
    "erc4626": "ERC4626ExceededMaxRedeem",
    "staking_rewards": "Cannot withdraw 0",
    "minichef": "BoringMath: Underflow",
    "morpho_blue": "insufficient collateral",
    "aave_v3": "36",  # collateral cannot cover a new borrow
    "aave_v3 3.6": "CollateralCannotCoverNewBorrow()",
}
_FEE_500, _OFFSET_6 = (number.to_bytes(32, "big").hex() for number in (500, 6))
PLANTS = [
    (
        "uniswap_v2",
        "610beb84600363",
        "610beb84600263",
        0,
        "pair_swap .*: the chain does it, the model refuses",
    ),
    ("uniswap_v2", "610beb84600363", "610beb84600463", 1, "the chain refuses with 'UniswapV2: K', the model does it"),
    ("uniswap_v3", _FEE_500, (510).to_bytes(32, "big").hex(), 0, "amount(1|_out|_in) is"),
    ("uniswap_v3", _FEE_500, (510).to_bytes(32, "big").hex(), 1, "paid0 is"),
    ("erc4626", _OFFSET_6, (5).to_bytes(32, "big").hex(), 0, "convertTo"),
    ("staking_rewards", "670de0b6b3a7640000", "670de0b6b3a7640001", 1, "rewardPerToken.* is"),
    ("morpho_blue", "620f4240", "62ffffff", 2, "shares is"),
    ("aave_v3", "6301e13380", "6301e28500", 0, "getReserveNormalized.* is"),
    ("aave_v3 3.6", "6301e13380", "6301e28500", 0, "^supply .*: getReserveNormalizedIncome.* is"),
]
"""A constant of the deployed code (hex), what stands there instead, which of its places, and how it must be told: another
fee to swap, a flash fee, other decimals of the share, a reward rounded otherwise, other virtual shares, a longer year."""


@pytest.fixture(scope="module")
def chains() -> Iterator[Callable[[str], Deployed]]:
    """One chain for each kind that is asked for."""
    made: dict[str, Deployed] = {}

    def of(name: str) -> Deployed:
        if name not in made:
            made[name] = MAKE[name](Anvil())
        return made[name]

    yield of
    for one in made.values():
        one.anvil.stop()


def wanted(name: str, at: Deployed, actions: int, **more: Any) -> Wanted:
    return Wanted(name.partition(" ")[0], at.address, at.beside, actions=actions, **more)


@pytest.mark.parametrize("name", MAKE)
def test_what_is_deployed_is_what_the_model_says(name: str, chains: Callable[[str], Deployed]) -> None:
    at = chains(name)
    head = at.anvil.rpc.block()
    proof = prove(at.anvil.http, wanted(name, at, 240, replay=at.replay))
    assert proof.differences == [] and proof.equal and proof.level == "fork-equal"
    assert set(proof.done) == VERBS[name]
    assert sum(proof.done.values()) + sum(proof.refused.values()) >= 240
    assert sum(proof.done.values()) >= 150
    assert proof.reasons[REFUSED[name]] >= 1
    assert proof.views >= 5 * 240 and proof.balances >= 4 * 200
    assert proof.replayed.blocks == at.replay and (proof.replayed.events > 0) == (at.replay > 0 and name != "erc4626")
    assert (proof.block, proof.block_hash, proof.chain_id) == (head.number, head.hash, 31337)
    assert at.anvil.rpc.block() == head  # nothing was sent there
    assert "0 wei of difference" in proof.verdict


@pytest.mark.parametrize(("name", "was", "instead", "place", "says"), PLANTS)
def test_a_contract_that_differs_is_told(
    name: str, was: str, instead: str, place: int, says: str, chains: Callable[[str], Deployed]
) -> None:
    at = chains(name)
    where, old = at.code or at.address, bytes.fromhex(was)
    code = at.anvil.rpc.code(where)
    found = [match.start() for match in re.finditer(re.escape(old), code)]
    start = found[place]
    saved = at.anvil.snapshot()
    at.anvil.set_code(where, code[:start] + bytes.fromhex(instead) + code[start + len(old) :])
    at.anvil.mine()
    try:
        proof = prove(at.anvil.http, wanted(name, at, 600))
    finally:
        at.anvil.revert(saved)
    assert re.search(says, proof.differences[0])
    assert not proof.equal and proof.level == "differs"
    assert "is NOT what the model says" in proof.verdict


def test_the_same_seed_gives_the_same_proof_and_another_seed_another(chains: Callable[[str], Deployed]) -> None:
    at = chains("uniswap_v2")
    first, again, other = (prove(at.anvil.http, wanted("uniswap_v2", at, 30, seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first.done != other.done


IMPLEMENTATION = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A50D382BBC
"""Any word far from the others will do."""
PROXY = "365f5f375f5f365f7f{:064x}545af43d5f5f3e6036573d5ffd5b3d5ff3"
"""Runs the code of the account that the word names, on the proxy's own storage."""


def test_a_token_behind_a_proxy_can_be_given(chains: Callable[[str], Deployed]) -> None:
    """Asked for a balance it reads two words, and the one that is no balance says whose code it runs."""
    at = chains("erc4626")
    anvil, saved = at.anvil, at.anvil.snapshot()
    (asset,) = ask(anvil.rpc, at.address, VAULT, "asset", (), "latest")
    elsewhere = actor("implementation")
    try:
        anvil.set_code(elsewhere, anvil.rpc.code(asset))
        anvil.set_storage(asset, IMPLEMENTATION, int(elsewhere, 16))
        anvil.set_code(asset, bytes.fromhex(PROXY.format(IMPLEMENTATION)))
        anvil.mine()
        proof = prove(anvil.http, wanted("erc4626", at, 40))
    finally:
        anvil.revert(saved)
    assert proof.equal and proof.done["deposit"] >= 5


def test_a_token_whose_balance_is_no_single_word_is_refused(chains: Callable[[str], Deployed]) -> None:
    """Every balance the same: nothing that is read turns it."""
    at = chains("erc4626")
    anvil, saved = at.anvil, at.anvil.snapshot()
    (asset,) = ask(anvil.rpc, at.address, VAULT, "asset", (), "latest")
    held = ask(anvil.rpc, at.address, VAULT, "totalAssets", (), "latest")[0]
    try:
        # Asked with an argument: what the vault holds; without (decimals): 6.
        anvil.set_code(asset, bytes.fromhex(f"36600410600f5760065f5260205ff35b7f{held:064x}5f5260205ff3"))
        anvil.mine()
        with pytest.raises(BadInput, match="no single storage word holds a balance"):
            prove(anvil.http, wanted("erc4626", at, 5))
    finally:
        anvil.revert(saved)


def test_without_actions_it_only_reads_and_proves_less(chains: Callable[[str], Deployed]) -> None:
    at = chains("uniswap_v2")
    proof = prove(at.anvil.http, wanted("uniswap_v2", at, 0, replay=20))
    assert proof.equal and proof.level == "views equal" and not proof.done
    assert proof.replayed.events > 10
    assert prove(at.anvil.socket, wanted("uniswap_v2", at, 0)).level == "views equal"


def test_what_the_logs_do_not_explain_is_told(chains: Callable[[str], Deployed]) -> None:
    """Reserves written behind the pair's back: no log tells of them."""
    at = chains("uniswap_v2")
    saved = at.anvil.snapshot()
    try:
        at.anvil.mine()
        at.anvil.set_storage(at.address, 8, at.anvil.rpc.storage(at.address, 8) + (1 << 60))
        at.anvil.mine()
        proof = prove(at.anvil.http, wanted("uniswap_v2", at, 0, replay=2))
    finally:
        at.anvil.revert(saved)
    assert "after the logs of 2 blocks: getReserves is" in proof.differences[0]


def test_it_is_kept_and_shown(
    chains: Callable[[str], Deployed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    at = chains("erc4626")
    arguments = ["venues", "prove", "erc4626", "--rpc", at.anvil.http, "--address", at.address, "--actions", "40"]
    said = tidemill(*arguments, "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    (path,) = (tmp_path / "tidemill" / "proofs").iterdir()
    kept = msgspec.json.decode(path.read_bytes(), type=ProofDocument)
    assert (told["level"], told["address"], told["done"]) == ("fork-equal", at.address, kept.done)
    assert kept.as_of.startswith("2023-11-1") and kept.schema == "tidemill.proof/1"
    shown = tidemill("venues", "show", "erc4626")
    assert shown.code == 0 and at.address in shown.out and "fork-equal" in shown.out and kept.as_of[:10] in shown.out
    (listed,) = json.loads(tidemill("venues", "show", "erc4626", "--json").out)["proofs"]
    assert listed["verdict"] == kept.verdict
    assert json.loads(tidemill("venues", "show", "uniswap_v2", "--json").out)["proofs"] == []
    printed = tidemill(*arguments)
    assert "0 wei of difference" in printed.out and "deposit" in printed.out
    path.write_text("{")
    assert "fork-equal" not in tidemill("venues", "show", "erc4626").out.replace("bytecode-equal", "")


def test_a_difference_ends_with_1(
    chains: Callable[[str], Deployed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    at = chains("erc4626")
    saved, code = at.anvil.snapshot(), at.anvil.rpc.code(at.address)
    try:
        at.anvil.set_code(at.address, code.replace(bytes.fromhex(_OFFSET_6), bytes.fromhex("0" * 63 + "5"), 1))
        at.anvil.mine()
        said = tidemill("venues", "prove", "erc4626", "--rpc", at.anvil.http, "--address", at.address)
        assert said.code == 1 and "DIFFERS: " in said.out
        assert "differs" in tidemill("venues", "show", "erc4626").out
    finally:
        at.anvil.revert(saved)


def test_what_cannot_be_proven_says_why_in_one_line(chains: Callable[[str], Deployed]) -> None:
    at = chains("uniswap_v2")

    def said(name: str, *more: str, address: str = at.address, rpc: str = at.anvil.http) -> str:
        answer = tidemill("venues", "prove", name, "--rpc", rpc, "--address", address, *more)
        assert answer.code == 2 and answer.out == ""
        return answer.err.splitlines()[-1]

    nobody = "0x" + "12" * 20
    assert f"address: no contract at {nobody} on chain 31337" in said("uniswap_v2", address=nobody)
    assert "address: '0x12' is no address" in said("uniswap_v2", address="0x12")
    assert "is on chain 31337, expected chain 1" in said("uniswap_v2", "--network", "ethereum")
    assert "unknown network 'etherium'; did you mean 'ethereum'?" in said("uniswap_v2", "--network", "etherium")
    assert "unknown kind of venue 'uniswap_v4'" in said("uniswap_v4")
    assert "kind: merkle_campaign has no trial" in said("merkle_campaign")
    assert "with: unknown contract beside the address 'ruter'; did you mean 'router'?" in said(
        "uniswap_v2", "--with", "ruter=0x12"
    )
    assert "expected NAME=0x…" in said("uniswap_v2", "--with", "router")
    assert "rpc: a local chain can only fork an http(s) endpoint" in said("uniswap_v2", rpc=at.anvil.socket)
    assert "is no Uniswap v3 pool on chain 31337" in said("uniswap_v3")
    assert "refuses what erc4626 answers (no reason given); wrong" in said("erc4626", address=at.beside["router"])
    assert "replay: nothing to replay: there are only" in said("uniswap_v2", "--replay", "99999")
    assert "with: which market?" in said("morpho_blue")
    pool = chains("aave_v3")
    follows = said("aave_v3", "--replay", "1", address=pool.address, rpc=pool.anvil.http)
    assert "replay: nothing to replay: this kind's model follows no logs" in follows
    token = said("aave_v3", "--with", f"asset={nobody}", address=pool.address, rpc=pool.anvil.http)
    assert "is not listed at the pool" in token
    assert "actions" in said("uniswap_v2", "--actions", "-1")


def test_an_endpoint_that_answers_with_a_page_is_told() -> None:
    with proxy.FaultProxy("http://127.0.0.1:1") as page:
        page.always = proxy.html
        said = tidemill("venues", "prove", "erc4626", "--rpc", page.url, "--address", "0x" + "12" * 20)
    assert said.code == 2 and "answered with a web page" in said.err.splitlines()[-1]


def test_secrets_of_the_endpoint_are_not_repeated(
    chains: Callable[[str], Deployed], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = chains("erc4626")

    def refuse(self: Anvil, options: Any) -> None:
        raise RpcError(f"anvil ended at once: cannot reach {options.fork_url}")

    monkeypatch.setattr(Anvil, "__init__", refuse)
    url = at.anvil.http + "/?key=abcdef0123456789secret"
    with pytest.raises(RpcError) as told:
        prove(url, wanted("erc4626", at, 5))
    assert "secret" not in str(told.value) and "cannot reach the endpoint" in str(told.value)


def test_known_contracts_of_a_network_are_taken_from_the_list() -> None:
    assert known_beside("uniswap_v2", "ethereum") == {"router": "0x7a250d5630b4cf539739df2c5dacb4c659f2488d"}
    assert set(known_beside("uniswap_v3", "base")) == {"position_manager"}
    assert known_beside("erc4626", "base") == {}
    with pytest.raises(BadInput, match="merkle_campaign has no trial"):
        known_beside("merkle_campaign", "base")
