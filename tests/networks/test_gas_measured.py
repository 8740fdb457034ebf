"""The shipped gas tables against transactions they were not made from: another seed, the same contracts."""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tidemill import networks
from tidemill.chain import artefacts
from tidemill.networks import CostModel, FeeEnv, from_data
from tidemill.networks.gas import load_gas
from tidemill.venues.aave_v3.versions import V36

TOOLS = Path(__file__).parents[2] / "tools"
VENUES = Path(networks.__file__).parents[1] / "venues"

if any(not row.cached for row in artefacts.ls()):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

pytestmark = pytest.mark.chain

ENV = FeeEnv(
    time=1_750_000_000,
    base_fee=from_data(500_000),
    priority_fee=from_data(100_000),
    l1_base_fee=from_data(2 * 10**9),
    blob_base_fee=from_data(10**6),
)
"""An OP Mainnet day on which execution and data cost about the same."""


def test_words_written_are_those_of_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every verb of every life: words set, words changed and gas to be refunded, to the unit, as the EVM charged them."""
    monkeypatch.syspath_prepend(str(TOOLS))
    import gas_v3
    from gas_lab import Lab
    from gas_trace import REFUNDS, traced_words

    seen: dict[str, int] = defaultdict(int)
    with Lab("words", steps=True) as lab:
        landed: list[tuple[str, str]] = []
        send, act = lab.send, lab.act

        def noting(sender: str, call: Any, kind: str) -> Any:
            sent, receipt = send(sender, call, kind)
            landed.append((kind, receipt.tx_hash))
            return sent, receipt

        def comparing(sender: str, verb: str, calls: Any, features: Any, why: str = "refused") -> None:
            landed.clear()
            act(sender, verb, calls, features, why)
            if lab.samples[-1].reason is not None:
                return
            told = {name: features[name] for name in ("slots_set", "slots_changed")}
            told["refund"] = sum(each * features[name] for name, each in REFUNDS.items())
            (found,) = [traced_words(lab.anvil, tx) for kind, tx in landed if kind == verb]
            assert told == found, (verb, features)
            seen[verb] += 1

        monkeypatch.setattr(lab, "send", noting)
        monkeypatch.setattr(lab, "act", comparing)
        gas_v3.measure(lab, 3)
    assert len(seen) == 9
    assert min(seen.values()) >= 3, dict(seen)


def samples(kind: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.syspath_prepend(str(TOOLS))
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
    from gas_lab import Lab

    with Lab("another seed") as lab:
        if kind == "cl_gauge":
            gas_gauge.measure(lab, 4)
            return lab.samples
        if kind == "merkle_campaign":
            gas_campaign.measure(lab, 3)
            return lab.samples
        if kind == "minichef":
            gas_chef.measure(lab, 2)
            return lab.samples
        if kind == "liquid_staking":
            gas_rates.measure_staking(lab, 2)
            return lab.samples
        if kind == "savings_vault":
            gas_rates.measure_savings(lab, 2)
            return lab.samples
        if kind == "delegation":
            gas_rates.measure_delegation(lab, 2)
            return lab.samples
        if kind == "morpho_vault":
            gas_lending_vault.measure(lab, 2)
            return lab.samples
        if kind == "vote_escrow":
            gas_escrow.measure(lab, 6)
            return lab.samples
        if kind == "uniswap_v2":
            gas_v2.measure(lab, 1)
            return lab.samples
        if kind == "morpho_blue":
            gas_morpho.measure(lab, 2)
            return lab.samples
        if kind == "aave_v3":
            gas_aave.measure(lab, 2)
            return lab.samples
        if kind == "aave_v3 3.6":
            gas_aave.measure(lab, 2, V36)
            return lab.samples
        if kind == "uniswap_v3":
            gas_v3.measure(lab, 1)
            return lab.samples
        farms = Lab("another seed", beside=lab)
        gas_vault_farm.measure(lab, farms, 1)
        return lab.samples if kind == "erc4626" else farms.samples


_KINDS = [
    "aave_v3",
    "aave_v3 3.6",
    "uniswap_v3",
    "uniswap_v2",
    "erc4626",
    "liquid_staking",
    "minichef",
    "staking_rewards",
    "morpho_blue",
    "savings_vault",
    "delegation",
    "cl_gauge",
    "merkle_campaign",
    "vote_escrow",
    "morpho_vault",
]


@pytest.mark.parametrize("kind", _KINDS)
def test_fees_of_unseen_transactions(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op = networks.get("op-mainnet")
    folder, _, version = kind.partition(" ")
    model = CostModel(op, {kind: load_gas(VENUES / folder / f"gas{version.replace('.', '')}.toml")})
    gas_errors, fee_errors = defaultdict(list), defaultdict(list)
    for sample in samples(kind, monkeypatch):
        if sample.reason is not None:
            continue
        told = model.gas(kind, sample.verb, sample.features)
        fee = model.fee(kind, sample.verb, sample.features, ENV).total
        paid = sum(op.fee(one.shape, ENV).total for one in sample.sent)
        resets = sum(one.kind == "approve_reset" for one in sample.sent[: len(sample.sent) // 2])
        if resets:  # an allowance left by a refusal before; the refusal's row has it
            continue
        gas_errors[sample.verb].append(abs(told - sample.gas) / sample.gas)
        fee_errors[sample.verb].append(abs(fee - paid) / paid)
    sys.modules.pop("gas_lab", None)
    assert len(gas_errors) >= 4
    for errors in (gas_errors, fee_errors):
        for verb, found in errors.items():
            assert statistics.median(found) <= 0.02, (verb, found)
            assert max(found) <= 0.10, (verb, found)
