"""Measure what the steps of a canonical bridge cost on two local chains; writes ``venues/canonical_bridge/gas.toml``.

Run from the checkout: ``python tools/gas_bridge.py``. Seeded. The storage proof of a withdrawal grows with the number of
withdrawals ever made, so ``prove`` is measured with a message passer that holds 1 to 4,096 of them, and its gas is fitted to
the nodes of the proof. The portal is the one over dispute games, as OP Mainnet's since June 2024.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from pathlib import Path

from eth_account import Account
from eth_hash.auto import keccak

from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.types import Call, Receipt
from tidemill.interfaces import Intent
from tidemill.networks import TxShape
from tidemill.venues.canonical_bridge.client import PASSER
from tidemill.venues.canonical_bridge.local_games import GameClient, GamesBridge

HERE = Path(__file__).parents[1] / "src" / "tidemill" / "venues" / "canonical_bridge" / "gas.toml"
KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"  # anvil's second well-known account
ME = Account.from_key(KEY).address.lower()
BASE_FEE = 5 * 10**9
FILLED = (0, 15, 255, 4_095)
NOTE = (
    "The token is our test token. Every contract stands behind one plain proxy; on OP Mainnet some have proxies of other kinds. "
    "A deposit burns gas on Ethereum for the rollup's: measured at a base fee of 5 gwei, more below it, less above. "
    "A proof that is refused is one against a game over an older block; a payment that is refused comes a week too early. "
    "The older portal over an oracle of outputs took 349,262 for a proof of 7 nodes and 211,959 for a payment (2026-11-21)."
)
Sent = tuple[str, int, TxShape]
"""Kind, nodes of the proof, gas and bytes."""


def main() -> None:
    """Measure and write."""
    sent = [one for filled in FILLED for one in measure(filled)]
    HERE.write_text(text(sent), encoding="utf-8")
    print(HERE.name, "written from", len(sent), "transactions")


def measure(filled: int) -> list[Sent]:
    """Live a few withdrawals and deposits with ``filled`` other withdrawals in the passer."""
    rng, out = random.Random(f"tidemill gas {filled}"), []
    one, two = AnvilOptions(seconds_per_block=12, base_fee=BASE_FEE), AnvilOptions(chain_id=10)
    with Anvil(one) as l1, Anvil(two) as l2:
        boss = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
        for chain, who in ((l1, boss), (l1, ME), (l2, boss), (l2, ME)):
            chain.set_balance(who, 10**24)
        bridge = GamesBridge(l1, l2, boss)
        for slot in range(filled):
            l2.set_storage(PASSER, int.from_bytes(keccak(f"{filled} {slot}".encode())), 1)
        client = GameClient(l1.rpc, l2.rpc, bridge.sites, venue="exit", account=ME)
        client.factory = bridge.factory
        mint = Abi(artefact("TestToken").abi).encode("mint", ME, 10**15)
        l1.mine([(boss, Call(bridge.sites.l1_token, mint))])

        def does(chain: Anvil, kind: str, nodes: int = 0, **args: int | str) -> Receipt:
            for call in client.plan(Intent("exit", kind.removesuffix("_reverted"), args)):
                shape = signed(call, chain)
                _, (receipt,) = chain.mine([(ME, call)])
                name = "approve" if call.purpose == "approve" else kind
                assert receipt.status == (not name.endswith("_reverted")), (kind, receipt.revert_reason)
                out.append(
                    (name, nodes, TxShape(receipt.gas_used, shape.fastlz_length, shape.zero_bytes, shape.nonzero_bytes))
                )
            return receipt

        def plays(call: Call) -> None:
            _, (receipt,) = l1.mine([(boss, call)])
            assert receipt.status, (call.purpose, receipt.revert_reason)

        for round_ in range(5):
            amount = rng.randrange(10**8, 10**12)
            bridge.derive(does(l1, "deposit", amount=amount))
            plays(bridge.open_game(*[l2.rpc.block().number] * 2))  # over a block before the withdrawal's
            position = f"exit#{round_}"
            does(l2, "send_reverted", amount=10**16)
            client.learn(position, does(l2, "send", amount=amount - rng.randrange(10**6)))
            client.against = bridge.games_so_far() - 1
            does(l1, "prove_reverted", len(client.proof(client.sent[position])[2]), position=position)
            client.against = None
            l2.skip(1)
            plays(bridge.open_game(*[l2.rpc.block().number] * 2))
            does(l1, "prove", len(client.proof(client.sent[position])[2]), position=position)
            does(l1, "finalize_reverted", position=position)
        l1.mine(time_s=l1.rpc.block().timestamp + bridge.games.clock)
        for index in range(bridge.games_so_far()):
            for call in bridge.resolve(bridge.game(index), attacked=False):
                plays(call)
        l1.mine(time_s=l1.rpc.block().timestamp + bridge.games.maturity)
        for round_ in range(5):
            does(l1, "finalize", position=f"exit#{round_}")
    return out


def signed(call: Call, chain: Anvil) -> TxShape:
    """Return the bytes of ``call`` signed as a wallet would."""
    fields = {
        "type": 2, "chainId": chain.options.chain_id, "nonce": chain.rpc.nonce(ME), "to": call.to, "data": call.data,
        "value": call.value, "gas": 700_000, "maxFeePerGas": 12 * 10**9, "maxPriorityFeePerGas": 10**6,
    }  # fmt: skip
    return TxShape.of(0, bytes(Account.sign_transaction(fields | {"to": _checksum(call.to)}, KEY).raw_transaction))


def _checksum(address: str) -> str:
    plain = address.removeprefix("0x").lower()
    digest = keccak(plain.encode()).hex()
    return "0x" + "".join(c.upper() if int(digest[i], 16) > 7 else c for i, c in enumerate(plain))


def fit(sent: Sequence[Sent]) -> tuple[int, int]:
    """Return base and gas per proof node by least squares, whole numbers; nothing per node where it never varies."""
    nodes = [n for _, n, _ in sent]
    if len(set(nodes)) < 2:
        return round(statistics.mean(tx.gas_used for _, _, tx in sent)), 0
    line = statistics.linear_regression(nodes, [tx.gas_used for _, _, tx in sent])
    return round(line.intercept), round(line.slope)


def text(sent: Sequence[Sent]) -> str:
    """Return the table."""
    lines = [
        "# Generated by tools/gas_bridge.py; do not edit. Errors are in basis points of what was measured.",
        'about = "An OP Stack bridge of an ERC-20 token over dispute games, contracts-bedrock 0.17.3"',
        "",
        "[provenance]",
        "as_of = 2026-11-22",
        f'tool = "tools/gas_bridge.py, {len(sent)} transactions"',
        'chain = "anvil 1.7.1, two chains"',
        'hardfork = "prague"',
        'seed = "tidemill gas"',
        'artefacts = ["@eth-optimism/contracts-bedrock@0.17.3"]',
        f'note = "{NOTE}"',
        "",
        "[features]",
        'proof_nodes = { about = "nodes of the storage proof: some 7 in a trie of a few million withdrawals", absent = 7 }',
        "",
    ]
    for kind in sorted({kind for kind, _, _ in sent}):
        lines += kind_lines(kind, [one for one in sent if one[0] == kind])
    for verb in ("deposit", "send", "prove", "finalize"):
        calls = '{ kind = "approve" }, ' if verb == "deposit" else ""
        refused = f"{verb}_reverted" if verb != "deposit" else verb
        lines += [
            f"[verbs.{verb}]",
            f'alone = "{verb}"',
            f'calls = [{calls}{{ kind = "{verb}" }}]',
            f'reverted = [{calls}{{ kind = "{refused}" }}]',
            f"plain = {_errors([one for one in sent if one[0] == verb])}",
            "",
        ]
    return "\n".join(lines)


def kind_lines(kind: str, sent: Sequence[Sent]) -> list[str]:
    """Return the lines of one kind of transaction."""
    base, per = fit(sent)
    middle = round(statistics.median(tx.fastlz_length for _, _, tx in sent))
    off = sorted(abs(tx.fastlz_length - middle) * 10_000 // tx.fastlz_length for _, _, tx in sent)
    return [
        f"[kinds.{kind}]",
        f"fastlz_length = {middle}",
        f"zero_bytes = {round(statistics.mean(tx.zero_bytes for _, _, tx in sent))}",
        f"nonzero_bytes = {round(statistics.mean(tx.nonzero_bytes for _, _, tx in sent))}",
        f"fastlz_error = {{ samples = {len(off)}, median_bps = {off[len(off) // 2]}, max_bps = {off[-1]} }}",
        f"plain = {{ base = {base}, per = {{ {f'proof_nodes = {per}' if per else ''} }}, error = {_errors(sent)} }}",
        "",
    ]


def _errors(sent: Sequence[Sent]) -> str:
    base, per = fit(sent)
    off = sorted(abs(base + per * n - tx.gas_used) * 10_000 // tx.gas_used for _, n, tx in sent)
    return f"{{ samples = {len(off)}, median_bps = {off[len(off) // 2]}, max_bps = {off[-1]} }}"


if __name__ == "__main__":
    main()
