"""The recorded gas of bridges' steps on Ethereum, measured again on the real contracts of registry packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tidemill.chain import artefacts

if not artefacts.available("ArbitrumOutbox", "L1ERC20Gateway", "OptimismPortal2", "FaultDisputeGame", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)
if not any(row.cached for row in artefacts.ls() if "anvil" in row.package):
    pytest.skip("anvil is not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from tidemill.networks.bridges import gas_facts

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "tools" / "gas_exits.py"
    spec = importlib.util.spec_from_file_location("gas_exits", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_arbitrums_outbox_and_inbox(tool: ModuleType) -> None:
    found = tool.measure_arbitrum()
    for step in ("execute", "deposit", "send to the delayed inbox"):
        assert gas_facts().integer(f"arbitrum.{step}") == found[step]
    assert f"{found['node']:,} gas a node" in (gas_facts().fact("arbitrum.execute").note or "")


def test_scrolls_messenger(tool: ModuleType) -> None:
    if not artefacts.available("L1ScrollMessenger", "ScrollChain", "L1StandardERC20Gateway"):
        pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`")
    found = tool.measure_scroll()
    assert gas_facts().integer("scroll.relayMessageWithProof") == found["relayMessageWithProof"]
    assert (gas_facts().fact("scroll.relayMessageWithProof").note or "").startswith(f"{found['node']:,} gas a node")


def test_the_portal_over_dispute_games(tool: ModuleType) -> None:
    found = tool.measure_games((0, 255, 4_095))
    for step, within in (("prove", 0.03), ("finalize", 0), ("send through the portal", 0)):
        assert found[step] == pytest.approx(gas_facts().integer(f"op_stack.{step}"), rel=within), step
    assert found["node"] > 30_000
