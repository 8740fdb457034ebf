"""What a mined transaction wrote, read from its trace: the same counts that the models make, by the EVM itself."""

from __future__ import annotations

from typing import Any

from tidemill.chain.anvil import Anvil

__all__ = ["REFUNDS", "traced_words"]

REFUNDS = {"slots_cleared": 4_800, "slots_returned": 19_900, "slots_restored": 2_800}
"""Refunds of EIP-2200 as amended by EIP-3529, by what earns them."""


def traced_words(anvil: Anvil, tx_hash: str) -> dict[str, int]:
    """Return ``slots_set`` and ``slots_changed`` as charged, and ``refund``: gas earned back, before its limit.

    The price of a write says what it is: 20,000 for a word that held zero, 2,900 for another, 100 for one already
    written; 2,100 more where nothing has looked at it before.
    """
    options = {"disableStack": True, "disableMemory": True, "disableStorage": True}
    trace: Any = anvil.rpc.request("debug_traceTransaction", tx_hash, options)
    counts = {"slots_set": 0, "slots_changed": 0, "refund": 0}
    for step in trace["structLogs"]:
        counts["refund"] = max(0, int(step.get("refund", 0)))
        if step["op"] == "SSTORE":
            counts["slots_set"] += step["gasCost"] >= 20_000
            counts["slots_changed"] += 2_900 <= step["gasCost"] < 20_000
    return counts
