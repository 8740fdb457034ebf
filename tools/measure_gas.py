"""Measure what every verb costs on a local OP-stack chain and write ``src/tidemill/venues/*/gas.toml``.

Run from the checkout: ``python tools/measure_gas.py [rounds] [kind…]``. Seeded: the same contracts give the same tables. Gas
comes from receipts of real transactions, one per block, never from an EVM kept warm; bytes from the same transactions
signed as a wallet would. A few minutes.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import gas_aave
import gas_campaign
import gas_chef
import gas_escrow
import gas_gauge
import gas_lending_vault
import gas_morpho
import gas_rates
import gas_v2
import gas_v3
import gas_vault_farm
import numpy as np
from gas_fit import STORAGE, ExactFit, Fit, fit_kinds, percentiles_bps, verb_gas
from gas_lab import HARDFORK, Lab, Sample, Sent

from tidemill.chain import artefacts
from tidemill.venues.aave_v3.versions import V36
from tidemill.venues.uniswap_v3.model_storage import WORDS

VENUES = Path(__file__).parents[1] / "src" / "tidemill" / "venues"
SEED = "tidemill gas"

SLOTS = {
    "slots_set": ("storage words from zero to something", 0),
    "slots_changed": ("storage words from something to something else", 0),
    "slots_cleared": ("storage words back to zero", 0),
}
WRITTEN = {name: (about, 0) for name, about in WORDS.items()}
FEATURES: dict[str, dict[str, tuple[str, int]]] = {
    "uniswap_v3": {
        "approvals": ("tokens offered, each approved exactly before and reset after", 2),
        "allowances_left": ("allowances not wholly used, put back to 0", 1),
        "allowances_used_up": ("allowances wholly used, whose reset finds 0", 1),
        "ticks_initialised": ("ticks that come into use", 0),
        "ticks_cleared": ("ticks that fall out of use", 0),
        "ticks_crossed": ("initialised ticks that a swap crosses", 0),
        "steps": ("steps of a swap", 1),
        "bitmap_words": ("words of the bitmap looked into", 1),
        "observations_written": ("oracle observations written", 0),
        "observation_slots": ("of them, into another slot than the last one's", 0),
        "positions_created": ("pool positions that come into being", 0),
        "pokes": ("pool positions brought up to date without a change of liquidity", 0),
        "pool_calls": ("entries into the pool, each locking it", 1),
        "transfers": ("token transfers", 2),
        "first_of_pool": ("the manager meets the pool for the first time", 0),
        "first_of_owner": ("the owner's first position token", 0),
        "own_tokens_moved": ("another of the owner's tokens moves into a destroyed one's place", 0),
        "tokens_moved": ("another token moves into a destroyed one's place among all", 0),
        **WRITTEN,
    },
    "uniswap_v2": {
        "approvals": ("tokens offered, each approved exactly before and reset after", 2),
        "allowances_left": ("allowances not wholly used, put back to 0", 1),
        "allowances_used_up": ("allowances wholly used, whose reset finds 0", 1),
        "hops": ("pairs on the path", 1),
        "protocol_on": ("the protocol takes its share, for which the product is kept", 0),
        "protocol_shares": ("shares minted to the protocol ahead of a deposit or withdrawal", 0),
        **SLOTS,
    },
    "erc4626": {
        "first_shares": ("the receiver held no shares before", 0),
        "last_shares": ("the owner holds none afterwards", 0),
        **SLOTS,
    },
    "liquid_staking": {
        "first_shares": ("whoever stakes held no shares before", 0),
        "last_shares": ("whoever asks for a withdrawal holds none afterwards", 0),
        **SLOTS,
    },
    "savings_vault": {
        "first_shares": ("the receiver held no shares before", 0),
        "last_shares": ("the owner holds none afterwards", 0),
        "accrued": ("the first touch in its second, which mints the interest", 1),
        "powers": ("products that raise the rate to the seconds passed", 15),
        **SLOTS,
    },
    "delegation": {
        "transfers": ("token transfers, what is owed among them", 1),
        **SLOTS,
    },
    "minichef": {
        "first_stake": ("nothing was staked before by this account", 0),
        "last_stake": ("nothing is staked afterwards by this account", 0),
        "rewarded": ("the pool's rewarder is told", 1),
        "transfers": ("token transfers", 2),
        **SLOTS,
    },
    "cl_gauge": {
        "snapshots": ("times the pool is asked for seconds per liquidity", 1),
        "in_range": ("of them, with the price inside", 0),
        "tokens_passed": ("position tokens that change hands", 0),
        "transfers": ("token transfers", 1),
        **SLOTS,
    },
    "merkle_campaign": {
        "proof_words": ("siblings in a proof", 9),
        "transfers": ("token transfers", 1),
        **SLOTS,
    },
    "morpho_blue": {
        "accruals": ("interest brought up to date, which asks the rate model", 1),
        "by_shares": ("paid in shares: more is approved than is taken, and put back to 0", 0),
        "fees_taken": ("of them, with a part for the protocol", 0),
        "health_checks": ("the oracle asked whether collateral carries a debt", 0),
        "bad_debts": ("debts left without collateral, taken off what was lent", 0),
        **SLOTS,
    },
    "aave_v3": {
        "collateral_valued": ("balances of collateral that a check of the account's health reads", 0),
        "debt_valued": ("debts that it reads", 0),
        "reserves_valued": ("reserves in which they are", 0),
        "reserves_stale": ("those of them not brought up to date yet", 0),
        "switched_on": ("a reserve is put to use as collateral", 0),
        "received_supply": ("a liquidator keeps what is seized in the pool", 0),
        **SLOTS,
    },
    "aave_v3 3.6": {
        "isolation_sought": ("a reserve is put to use as collateral beside a single other, which may be isolated", 0),
    },
    "morpho_vault": {
        "markets": ("markets whose worth is looked up", 2),
        "supply_calls": ("markets supplied to", 1),
        "withdraw_calls": ("markets withdrawn from", 1),
        "accruals": ("of them, with interest to bring up to date", 1),
        "fees_taken": ("shares issued for the performance fee", 0),
        **SLOTS,
    },
    "vote_escrow": {
        "weeks": ("weeks that the sum of all locks is followed, or a claim pays", 1),
        "transfers": ("token transfers", 1),
        "first_claim": ("somebody who never claimed: the first lock is looked up", 0),
        "looks": ("points of the past that a claim looks at, again and again", 0),
        "points_read": ("of them, different ones", 0),
        "points_used": ("of them, those a week's votes follow from", 0),
        "followed": ("weeks that the sum of all votes is followed from such a point", 0),
        "slopes_read": ("of them, different ones", 0),
        **SLOTS,
    },
    "staking_rewards": {
        "first_stake": ("nothing was staked before by this account", 0),
        "last_stake": ("nothing is staked afterwards by this account", 0),
        **SLOTS,
    },
}

APPROVALS = ("approvals", "allowances_left", "allowances_used_up")
PLAIN = {
    # What stages that only follow a recorded path can count; whatever else moves gas is averaged over.
    "uniswap_v3": ("ticks_initialised", "ticks_cleared", "ticks_crossed", "transfers"),
    "uniswap_v2": (),
    "erc4626": ("first_shares", "last_shares"),
    "liquid_staking": ("first_shares", "last_shares"),
    "savings_vault": ("first_shares", "last_shares", "accrued", "powers"),
    "delegation": ("transfers",),
    "minichef": ("first_stake", "last_stake", "rewarded"),
    "cl_gauge": ("tokens_passed",),
    "merkle_campaign": ("proof_words",),
    "morpho_blue": ("accruals", "by_shares", "fees_taken", "health_checks", "bad_debts"),
    "staking_rewards": ("first_stake", "last_stake"),
    "aave_v3": (
        "collateral_valued",
        "debt_valued",
        "reserves_valued",
        "reserves_stale",
        "switched_on",
        "received_supply",
    ),
    "vote_escrow": ("weeks", "transfers"),
    "morpho_vault": ("supply_calls", "withdraw_calls", "fees_taken"),
}
PINNED = ("delegation", "liquid_staking", "minichef", "morpho_vault", "savings_vault")
"""Venues whose storage words are priced by the EVM alone."""
APPROVED: dict[str, dict[str, tuple[str, bool | str]]] = {
    # verb: (feature that counts the approvals or "" for one, whether they are reset afterwards, or the feature that says so)
    "uniswap_v3": {
        "mint": ("approvals", True),
        "increase": ("approvals", True),
        "swap_exact_in": ("", False),
        "swap_exact_out": ("", True),
    },
    "uniswap_v2": {
        "add_liquidity": ("approvals", True),
        "remove_liquidity": ("", False),
        "swap_exact_in": ("", False),
        "swap_exact_out": ("", True),
    },
    "erc4626": {"deposit": ("", False), "mint": ("", False)},
    "liquid_staking": {"stake": ("", False)},
    "delegation": {"delegate": ("", False)},
    "savings_vault": {"deposit": ("", False), "mint": ("", True)},
    "minichef": {"stake": ("", False), "deposit": ("", False)},
    "cl_gauge": {"create_incentive": ("", False)},
    "merkle_campaign": {"dispute": ("", False)},
    "morpho_blue": {
        "supply": ("", "by_shares"),
        "supply_collateral": ("", False),
        "repay": ("", "by_shares"),
        "liquidate": ("", True),
    },
    "staking_rewards": {"stake": ("", False)},
    "aave_v3": {"supply": ("", False), "repay": ("", True), "liquidate": ("", True)},
    "morpho_vault": {"deposit": ("", False), "mint": ("", True)},
    "vote_escrow": {"create_lock": ("", False), "increase_amount": ("", False)},
}
ABOUT = {
    "uniswap_v3": "Uniswap v3 through NonfungiblePositionManager and SwapRouter",
    "uniswap_v2": "Uniswap v2 (SushiSwap) through Router02",
    "erc4626": "OpenZeppelin's ERC-4626 vault",
    "liquid_staking": "Liquid staking by our own contract",
    "delegation": "Delegated stake by our own contract",
    "savings_vault": "A savings vault by our own contract",
    "cl_gauge": "Uniswap's v3 staker",
    "merkle_campaign": "our distributor of cumulative amounts by merkle proof",
    "minichef": "Sushi's MiniChefV2 with ComplexRewarderTime",
    "morpho_blue": "Morpho Blue with our contract of the adaptive rate",
    "staking_rewards": "Synthetix StakingRewards",
    "morpho_vault": "our contract of a vault over markets, on Morpho Blue with our contract of the adaptive rate",
    "vote_escrow": "VotingEscrow as Balancer deploys it, with our contract of weekly dividends",
    "aave_v3": "Aave v3.0.2, pool behind its proxy",
    "aave_v3 3.6": "Aave v3.6, pool behind its proxy",
}
PACKAGES = {
    "uniswap_v3": ("@uniswap/v3-core", "@uniswap/v3-periphery", "contracts/TestToken.vy"),
    "uniswap_v2": ("@uniswap/v2-core", "@uniswap/v2-periphery", "contracts/TestToken.vy"),
    "erc4626": ("@openzeppelin/contracts", "contracts/TestVault.sol", "contracts/TestToken.vy"),
    "liquid_staking": ("contracts/LiquidStaking.vy", "contracts/TestToken.vy"),
    "delegation": ("contracts/DelegatedStake.vy", "contracts/TestToken.vy"),
    "savings_vault": ("contracts/SavingsVault.vy", "contracts/TestToken.vy"),
    "merkle_campaign": ("contracts/CumulativeDistributor.vy", "contracts/TestToken.vy"),
    "cl_gauge": ("@uniswap/v3-staker", "@uniswap/v3-periphery", "contracts/TestToken.vy"),
    "minichef": ("@sushiswap/core", "contracts/TestToken.vy"),
    "morpho_blue": ("@morpho-org/morpho-blue", "contracts/AdaptiveCurveRate.vy", "contracts/TestToken.vy"),
    "staking_rewards": ("@uniswap/liquidity-staker", "contracts/TestVault.sol", "contracts/TestToken.vy"),
    "aave_v3": ("@aave/core-v3", "contracts/FlashBorrower.vy", "contracts/TestToken.vy"),
    "aave_v3 3.6": (
        "@aave-dao/aave-v3-origin",
        "@aave/core-v3",
        "contracts/FlashBorrower.vy",
        "contracts/TestToken.vy",
    ),
    "morpho_vault": (
        "@morpho-org/morpho-blue",
        "contracts/LendingVault.vy",
        "contracts/AdaptiveCurveRate.vy",
        "contracts/TestToken.vy",
    ),
    "vote_escrow": ("@balancer-labs/v2-deployments", "contracts/WeeklyDividends.vy", "contracts/TestToken.vy"),
}
NOTE = (
    "Tokens are our test token: a real one adds its own overhead per transfer and approval. "
    "Refusals: the slippage check fails, or there is no allowance or not enough to take."
)


MEASURES: dict[str, Callable[[Lab, int], None]] = {
    "uniswap_v3": gas_v3.measure,
    "uniswap_v2": gas_v2.measure,
    "aave_v3": gas_aave.measure,
    "aave_v3 3.6": lambda lab, rounds: gas_aave.measure(lab, rounds, V36),
    "minichef": gas_chef.measure,
    "cl_gauge": gas_gauge.measure,
    "merkle_campaign": gas_campaign.measure,
    "morpho_vault": gas_lending_vault.measure,
    "vote_escrow": gas_escrow.measure,
    "morpho_blue": gas_morpho.measure,
    "liquid_staking": gas_rates.measure_staking,
    "savings_vault": gas_rates.measure_savings,
    "delegation": gas_rates.measure_delegation,
}
"""Kinds (and later versions) that have a chain to themselves; a vault and its farm share one."""
SHARED = ("erc4626", "staking_rewards")
ROUNDS = {"uniswap_v2": 12, "morpho_vault": 12, "aave_v3": 9}
"""Where fewer lives than 24 show as much."""


def main() -> None:
    """Measure, fit, write, and print a line per verb."""
    words = sys.argv[1:]
    given = int(words.pop(0)) if words and words[0].isdigit() else None
    for kind in words or [*MEASURES, SHARED[0]]:
        rounds = given or ROUNDS.get(kind, 24)
        with Lab(SEED) as lab:
            if kind in SHARED:
                farms = Lab(SEED, beside=lab)
                gas_vault_farm.measure(lab, farms, rounds)
                write(SHARED[0], lab.samples)
                write(SHARED[1], farms.samples)
            else:
                MEASURES[kind](lab, rounds)
                name, _, version = kind.partition(" ")
                write(name, lab.samples, version)


def write(kind: str, samples: Sequence[Sample], version: str = "") -> None:
    """Fit and write one table, of a later version beside the kind's own."""
    own = FEATURES.get(f"{kind} {version}", {}) if version else {}
    features = FEATURES[kind] | own
    every = [name for name in features if name not in (*STORAGE, *APPROVALS)]
    late = [s for s in samples if s.reason == "late"]
    usual = [s for s in samples if s.reason != "late"]
    simple, counted, sent = fit_kinds(usual, (*PLAIN[kind], *own), every, pinned=kind in PINNED)
    lines = [*_head(f"{kind} {version}".strip(), len(samples))]
    lines += ["[features]"]
    lines += [f"{name} = {{ about = {_text(about)}, absent = {n} }}" for name, (about, n) in features.items()]
    for name in sorted(sent):
        lines += _kind(name, sent[name], simple[name], counted.get(name))
    for verb in sorted({s.verb for s in samples}):
        lines += _verb(kind, verb, [s for s in usual if s.verb == verb], simple, counted)
    if late:
        gas = int(np.median([s.sent[-1].shape.gas_used for s in late]))
        lines += ["", f"# For comparison, not used: refused because the deadline had passed, {gas} gas in the middle."]
    (VENUES / kind / f"gas{version.replace('.', '')}.toml").write_text("\n".join(lines) + "\n")


def _head(kind: str, samples: int) -> list[str]:
    rows = {
        row.package: row for row in reversed(artefacts.ls())
    }  # of several builds of one the first, which is the main one
    anvil = next(row for name, row in rows.items() if "anvil" in name)
    used = [f"{row.package}@{row.version} sha256 {row.sha256}" for row in (rows[name] for name in PACKAGES[kind])]
    return [
        "# Generated by tools/measure_gas.py; do not edit. Errors are in basis points of what was measured.",
        f"about = {_text(ABOUT[kind])}",
        "",
        "[provenance]",
        f"as_of = {dt.datetime.now(dt.UTC).date().isoformat()}",
        f'tool = "tools/measure_gas.py, {samples} actions"',
        f'chain = "anvil {anvil.version}, OP-stack mode"',
        f'hardfork = "{HARDFORK}"',
        f"seed = {_text(SEED)}",
        "artefacts = [",
        *[f"  {_text(line)}," for line in used],
        "]",
        f"note = {_text(NOTE)}",
        "",
    ]


def _text(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _error(errors: Sequence[float]) -> str:
    middle, worst = percentiles_bps(errors)
    return f"{{ samples = {len(errors)}, median_bps = {middle}, max_bps = {worst} }}"


def _fit(fit: Fit | ExactFit) -> str:
    per = ", ".join(f"{name} = {each}" for name, each in fit.per.items())
    refund = ", ".join(f"{name} = {each}" for name, each in fit.refund.items()) if isinstance(fit, ExactFit) else ""
    back = f", refund = {{ {refund} }}" if refund else ""
    return f"{{ base = {fit.base}, per = {{ {per} }}{back}, error = {_error(fit.errors)} }}"


def _kind(name: str, sent: Sequence[Sent], plain: Fit, counted: Fit | ExactFit | None) -> list[str]:
    typical = {
        field: int(np.median([getattr(one.shape, field) for one in sent]))
        for field in ("fastlz_length", "brotli_length", "zero_bytes", "nonzero_bytes")
    }
    off = {
        field: [abs(typical[field] - getattr(o.shape, field)) / getattr(o.shape, field) * 10_000 for o in sent]
        for field in ("fastlz_length", "brotli_length")
    }
    lines = ["", f"[kinds.{name}]", *[f"{field} = {value}" for field, value in typical.items()]]
    lines += [f"fastlz_error = {_error(off['fastlz_length'])}", f"brotli_error = {_error(off['brotli_length'])}"]
    lines += [f"plain = {_fit(plain)}"]
    return lines + ([f"storage = {_fit(counted)}"] if counted else [])


def _verb(
    kind: str,
    verb: str,
    samples: Sequence[Sample],
    simple: Mapping[str, Fit],
    counted: Mapping[str, Fit | ExactFit],
) -> list[str]:
    feature, reset = APPROVED[kind].get(verb, (None, False))
    times = f', times = "{feature}"' if feature else ""
    before = [f'{{ kind = "approve"{times} }}'] if feature is not None else []
    if isinstance(reset, str):
        after = [f'{{ kind = "approve_reset", times = "{reset}" }}']
    else:
        after = [f'{{ kind = "approve_reset"{times} }}'] if reset else []
    if reset and feature:
        used = ("approve_reset", "allowances_left"), ("approve_reset_idle", "allowances_used_up")
        after = [f'{{ kind = "{each}", times = "{count}" }}' for each, count in used]
    done = [s for s in samples if s.reason is None]
    lines = ["", f"[verbs.{verb}]", f'alone = "{verb}"']
    lines += [f"calls = [{', '.join([*before, _call(verb), *after])}]"]
    # The allowance that a refusal leaves is taken back before the next use.
    reset_too = ['{ kind = "approve_reset"' + times + " }"] if feature is not None and kind == "uniswap_v3" else []
    # Where nothing of the contract's own can refuse, a refusal is priced as the whole.
    refused = f"{verb}_reverted" if any(s.reason is not None for s in samples) else verb
    lines += [f"reverted = [{', '.join([*before, _call(refused), *reset_too])}]"]
    errors = {
        "plain": [abs(verb_gas(s, simple, simple) - s.gas) / s.gas * 10_000 for s in done],
        "storage": [abs(verb_gas(s, counted, simple) - s.gas) / s.gas * 10_000 for s in done] if counted else [],
    }
    said = []
    for name, found in errors.items():
        if found:
            lines += [f"{name} = {_error(found)}"]
            said.append(f"{name} {percentiles_bps(found)[0] / 100:.2f} % / {percentiles_bps(found)[1] / 100:.1f} %")
    gas = int(np.median([s.gas for s in done]))
    print(f"{kind:16} {verb:16} {len(done):5} x {gas:9,} gas   {'   '.join(said)}")
    return lines


def _call(kind: str) -> str:
    return f'{{ kind = "{kind}" }}'


if __name__ == "__main__":
    main()
