"""Gas tables: what loads, how counts become transactions, what is refused, and what the shipped tables promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.networks import CostModel, FeeEnv, TxShape, from_data
from tidemill.networks.gas import FitError, GasTable, load_gas, parse_gas

ERROR = "{ samples = 3, median_bps = 1, max_bps = 2 }"
HEAD = """
about = "a venue"
[provenance]
as_of = 2026-11-21
tool = "by hand"
chain = "none"
hardfork = "isthmus"
seed = "x"
artefacts = []
[features]
ticks = { about = "ticks crossed" }
approvals = { about = "tokens offered", absent = 2 }
slots_set = { about = "words set" }
"""
BYTES = f"fastlz_length = 150\nzero_bytes = 40\nnonzero_bytes = 120\nfastlz_error = {ERROR}\n"
TEXT = (
    HEAD
    + f"[kinds.approve]\n{BYTES}plain = {{ base = 46_000, per = {{}}, error = {ERROR} }}\n"
    + f"[kinds.swap]\n{BYTES}plain = {{ base = 100_000, per = {{ ticks = 30_000 }}, error = {ERROR} }}\n"
    + f"storage = {{ base = 90_000, per = {{ ticks = 1_000, slots_set = 20_000 }}, error = {ERROR} }}\n"
    + f"[kinds.refused]\n{BYTES}plain = {{ base = 1_000, per = {{}}, error = {ERROR} }}\n"
    + '[verbs.swap]\nalone = "swap"\ncalls = [{ kind = "approve", times = "approvals" }, { kind = "swap" }]\n'
    + f'reverted = [{{ kind = "approve" }}, {{ kind = "refused" }}]\nplain = {ERROR}\n'
)


def table() -> GasTable:
    return parse_gas(TEXT, "gas.toml")


def gas(verb: str, **features: int) -> list[int]:
    return [tx.gas_used for tx in table().shapes(verb, features)]


def test_counts_become_gas() -> None:
    assert gas("swap") == [46_000, 46_000, 100_000]
    assert gas("swap", approvals=1, ticks=3) == [46_000, 190_000]
    assert gas("swap", approvals=0) == [100_000]


def test_a_caller_that_counts_storage_gets_the_finer_fit() -> None:
    assert gas("swap", approvals=0, ticks=3, slots_set=0) == [93_000]
    assert gas("swap", approvals=0, ticks=3, slots_set=2) == [133_000]


def test_refunds_are_given_back_up_to_a_fifth() -> None:
    kinder = TEXT.replace(
        f"slots_set = 20_000 }}, error = {ERROR}",
        f"slots_set = 20_000 }}, refund = {{ slots_cleared = 4_800 }}, error = {ERROR}",
    ).replace('slots_set = { about = "words set" }', 'slots_set = { about = "a" }\nslots_cleared = { about = "b" }')
    priced = parse_gas(kinder, "gas.toml")

    def used(cleared: int) -> int:
        counts = {"approvals": 0, "ticks": 0, "slots_set": 0, "slots_cleared": cleared}
        return priced.shapes("swap", counts)[0].gas_used

    assert [used(0), used(3), used(4), used(40)] == [90_000, 75_600, 72_000, 72_000]
    with pytest.raises(UnknownName, match="slots_cleared"):
        parse_gas(kinder.replace('\nslots_cleared = { about = "b" }', ""), "gas.toml")


def test_a_refusal_has_its_own_transactions_and_never_uses_less_than_the_intrinsic_gas() -> None:
    assert gas("swap", reverted=1) == [46_000, 21_000]


def test_a_batch_pays_the_intrinsic_gas_once() -> None:
    assert gas("multicall", **{"call:swap": 3, "ticks": 1}) == [21_000 + 3 * 79_000]
    (batch,) = table().shapes("multicall", {"call:swap": 2})
    assert (batch.fastlz_length, batch.zero_bytes, batch.nonzero_bytes) == (300, 80, 240)


def test_the_length_after_brotli_is_passed_on_where_it_was_measured() -> None:
    (batch,) = table().shapes("multicall", {"call:swap": 2})
    assert batch.brotli_length is None
    measured = parse_gas(TEXT.replace("zero_bytes = 40", "brotli_length = 170\nzero_bytes = 40", 2), "gas.toml")
    assert [tx.brotli_length for tx in measured.shapes("swap", {})] == [170, 170, 170]
    assert [tx.brotli_length for tx in measured.shapes("swap", {"reverted": 1})] == [170, None]
    (batch,) = measured.shapes("multicall", {"call:swap": 2})
    assert batch.brotli_length == 340
    env = FeeEnv.of(
        1_790_000_000,
        {"base_fee": from_data(10**7), "priority_fee": from_data(9), "price_per_unit": from_data(5 * 10**7)},
    )
    model = CostModel(networks.get("arbitrum-one"), {"pool": measured})
    assert model.fee("pool", "swap", {"approvals": 1}, env).l1_data == 2 * 16 * 170 * 5 * 10**7
    with pytest.raises(BadInput, match="brotli_length: arbitrum-one needs the length after brotli"):
        model.fee("pool", "swap", {"reverted": 1}, env)


def test_each_transaction_is_priced_by_itself() -> None:
    op = networks.get("op-mainnet")
    model = CostModel(op, {"pool": table()})
    env = FeeEnv(
        time=1_750_000_000,
        base_fee=from_data(10),
        priority_fee=from_data(1),
        l1_base_fee=from_data(10**9),
        blob_base_fee=from_data(1),
        more={"operator_fee_constant": from_data(5)},
    )
    parts = model.fee("pool", "swap", {}, env)
    singles = [op.fee(TxShape(used, 150, 40, 120), env) for used in (46_000, 46_000, 100_000)]
    assert parts.l2_execution == 192_000 * 11 == model.gas("pool", "swap", {}) * 11
    assert parts.l1_data == sum(one.l1_data for one in singles) > 0
    assert parts.operator == 15
    assert model.error("pool", "swap") == FitError(3, 1, 2) == model.error("pool", "swap", storage=True)


def test_what_a_cost_model_refuses() -> None:
    model = CostModel(networks.get("ethereum"), {"pool": table()})
    with pytest.raises(UnknownName, match="unknown venue with a gas table 'poll'; did you mean 'pool'"):
        model.gas("poll", "swap", {})
    with pytest.raises(UnknownName, match="gas.toml: unknown verb in the gas table 'swop'; did you mean 'swap'"):
        model.gas("pool", "swop", {})


BAD = [
    ("about =", "g.toml: not valid TOML"),
    (TEXT.replace("base = 46_000", "base = 4.6"), "g.toml: .*: Expected `int`, got `float`"),
    (TEXT.replace("samples = 3", "sample = 3", 1), "unknown field `sample`|missing required field"),
    (
        TEXT.replace("per = { ticks = 30_000 }", "per = { tics = 30_000 }"),
        "kinds.swap: unknown feature 'tics'; did you mean 'ticks'",
    ),
    (TEXT.replace('alone = "swap"', 'alone = "swab"'), "verbs.swap: unknown kind 'swab'; did you mean 'swap'"),
    (TEXT.replace('times = "approvals"', 'times = "approval"'), "verbs.swap: unknown feature 'approval'"),
    (TEXT.replace('{ kind = "refused" }', '{ kind = "refuse" }'), "verbs.swap: unknown kind 'refuse'"),
]


@pytest.mark.parametrize(("text", "said"), BAD, ids=[said[-30:] for _, said in BAD])
def test_bad_tables_are_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=f"(?i){said}") as caught:
        parse_gas(text, "g.toml")
    assert str(caught.value).startswith("g.toml: ")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="absent.toml: no such file"):
        load_gas(tmp_path / "absent.toml")
    with pytest.raises(BadInput, match="cannot be read"):
        load_gas(tmp_path)


# -- the shipped tables -----------------------------------------------------------------------------------------------

VENUES = Path(networks.__file__).parents[1] / "venues"
VERBS = {
    "aave_v3": {
        "borrow",
        "flash_loan_simple",
        "liquidate",
        "mint_to_treasury",
        "repay",
        "repay_with_supply",
        "set_collateral",
        "set_emode",
        "supply",
        "withdraw",
    },
    "uniswap_v3": {
        "burn",
        "close",
        "collect",
        "decrease",
        "harvest",
        "increase",
        "mint",
        "swap_exact_in",
        "swap_exact_out",
    },
    "erc4626": {"deposit", "mint", "withdraw", "redeem"},
    "liquid_staking": {"stake", "transfer", "request_withdrawal", "claim"},
    "savings_vault": {"deposit", "mint", "withdraw", "redeem", "drip"},
    "delegation": {"delegate", "undelegate", "claim", "claim_unbonded", "restake"},
    "cl_gauge": {
        "claim",
        "create_incentive",
        "deposit",
        "end_incentive",
        "exit",
        "harvest",
        "stake",
        "transfer_deposit",
        "unstake",
        "withdraw",
    },
    "merkle_campaign": {"claim", "dispute", "fund", "recover", "resolve", "submit"},
    "minichef": {
        "claim",
        "deposit",
        "emergency_withdraw",
        "exit",
        "harvest",
        "stake",
        "withdraw",
        "withdraw_and_harvest",
    },
    "morpho_blue": {
        "accrue",
        "borrow",
        "liquidate",
        "repay",
        "supply",
        "supply_collateral",
        "withdraw",
        "withdraw_collateral",
    },
    "staking_rewards": {"stake", "withdraw", "claim", "exit"},
    "morpho_vault": {"deposit", "mint", "withdraw", "redeem"},
    "vote_escrow": {"create_lock", "increase_amount", "increase_unlock_time", "withdraw", "claim"},
}


@pytest.mark.parametrize("table", [*(f"{venue}/gas.toml" for venue in VERBS), "aave_v3/gas36.toml"])
def test_shipped_tables_are_close_to_what_was_measured(table: str) -> None:
    shipped = load_gas(VENUES / table)
    assert set(shipped.verbs) == VERBS[table.partition("/")[0]]
    for name, verb in shipped.verbs.items():
        assert verb.storage is not None
        assert verb.storage.samples >= 20
        assert verb.storage.median_bps <= 200, name
        assert verb.storage.max_bps <= 1_000, name
        assert shipped.shapes(name, {"reverted": 1}), name
    for kind in shipped.kinds.values():
        # One-sided and two-sided calls differ by a word; both lie near the smallest length that is charged at all.
        assert kind.fastlz_error.median_bps <= 1_000
        assert kind.brotli_length is not None
        assert kind.brotli_error is not None
        assert kind.brotli_error.median_bps <= 1_000
        # At level 1 a transaction this short hardly shrinks; what does not is wrapped in a few bytes.
        assert kind.brotli_length <= kind.zero_bytes + kind.nonzero_bytes + 8
    assert shipped.provenance.hardfork == "isthmus"
    assert all("sha256" in artefact for artefact in shipped.provenance.artefacts)
