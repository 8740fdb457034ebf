"""What of a look is told, at the edge of each limit, and what is remembered between looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from kit import tidemill
from tidemill.errors import BadInput
from tidemill.studies.watch.judge import Alert, Claim, Limits, Look, Peg, judge, parse_peg
from tidemill.studies.watch.memory import Memory, changes, delivered, load_memory, save_memory
from tidemill.studies.watch.tell import Webhook
from tidemill.venues.shared.signs import Sign

CALM = Look(1, 100, ("p",), (), (), {}, ())


def rules(limits: Limits | None = None, paid: tuple[str, ...] = (), **seen: Any) -> list[str]:
    return [one.rule for one in judge(structs.replace(CALM, **seen), limits or Limits(), paid)]


@pytest.mark.parametrize(
    ("what", "value", "limits", "told"),
    [
        ("range", 0, Limits(), []),
        ("range", 1, Limits(), ["out of range"]),
        ("range", 5, Limits(beyond_ticks=5), []),
        ("health", 12_500, Limits(), []),
        ("health", 12_499, Limits(), ["health"]),
        ("rate", 0, Limits(), []),  # it has never paid: collateral often does not
        ("rate", 199, Limits(rate_bps=200), ["rate gone"]),
        ("rate", 200, Limits(rate_bps=200), []),
        ("closed", 0, Limits(), []),
        ("closed", 1, Limits(), ["closed"]),
    ],
)
def test_signs_at_their_edges(what: Any, value: int, limits: Limits, told: list[str]) -> None:
    assert rules(limits, signs=(Sign(what, "s", value, "…"),)) == told


def test_a_rate_is_gone_where_it_has_paid() -> None:
    assert rules(paid=("s",), signs=(Sign("rate", "s", 9),)) == ["rate gone"]
    assert rules(paid=("s",), signs=(Sign("rate", "s", 10),)) == []


def test_pegs_are_watched_both_ways_and_dollars_without_asking() -> None:
    assert rules(prices={("USDC", "USD"): 990_000}) == [] == rules(prices={("USDC", "USD"): 1_010_000})
    assert rules(prices={("USDC", "USD"): 989_999}) == ["depeg"] == rules(prices={("USDC", "USD"): 1_010_001})
    assert rules(prices={("WETH", "USD"): 3_000_000_000, ("USDC", "WETH"): 333}) == []
    tight = Limits(pegs=(Peg("WSTETH", "WETH", 200), Peg("USDC", "USD", 10)))
    assert rules(tight, prices={("WSTETH", "WETH"): 979_000, ("USDC", "USD"): 998_000}) == ["depeg", "depeg"]


def test_claims_and_what_has_ended() -> None:
    assert rules(claims=(Claim("p", 30, 10, ""),)) == [] and rules(claims=(Claim("p", 31, 10, "x"),)) == ["claim"]
    assert rules(claims=(Claim("p", None, 10, ""), Claim("p", 5, None, ""))) == []
    assert rules(standing=(("base", "the network is ended"),)) == ["ended"]


def test_what_is_remembered() -> None:
    alert = Alert("health", "d", "1.1")
    memory, found = changes(Memory(), [alert], 10)
    assert [(one.event, one.since) for one in found] == [("alert", 10)]
    again, found = changes(memory, [alert], 20)  # nobody could be told
    assert [(one.event, one.since) for one in found] == [("alert", 10)]
    quiet, found = changes(delivered(again), [structs.replace(alert, words="1.05")], 30)
    assert not found and quiet.active[alert.key].words == "1.05"
    ended, found = changes(quiet, [], 40)
    assert [(one.event, one.words) for one in found] == [("over", "1.05")]
    kept, found = changes(ended, [], 50)
    assert [one.event for one in found] == ["over"]  # nobody could be told of its end either
    assert not changes(delivered(kept), [], 60)[1]
    back, found = changes(kept, [alert], 60)
    assert [one.event for one in found] == ["alert"] and not back.over
    unheard, found = changes(changes(Memory(), [alert], 1)[0], [], 2)
    assert not found and not unheard.over  # what nobody was told of needs no end


def test_memory_is_kept_whole_and_refused_when_it_is_none(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.json"
    assert load_memory(path) == Memory()
    memory, _ = changes(Memory(paid=["a"]), [Alert("r", "s", "w")], 5)
    save_memory(path, memory)
    assert load_memory(path) == memory
    for text, said in (
        ("{", "not what a watch remembers"),
        ('{"odd": 1}', "not what"),
        ('{"schema": 9}', "of schema 9"),
    ):
        path.write_text(text)
        with pytest.raises(BadInput, match=said):
            load_memory(path)


def test_pegs_in_words() -> None:
    assert parse_peg("WSTETH=WETH:2.5%") == Peg("WSTETH", "WETH", 250) and parse_peg("a=b:0.01%").bps == 1
    for text in ("USDC", "USDC=USD", "USDC=USD:1", "USDC=USD:0%", "USDC=USD:51%", "=USD:1%"):
        with pytest.raises(BadInput, match="peg"):
            parse_peg(text)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://example.org/x?key=SECRET", "anybody on the way could read it"),
        ("ftp://example.org/SECRET", "expected https"),
        ("https://", "expected https"),
    ],
)
def test_webhooks_that_are_none(address: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        Webhook(address)
    assert "SECRET" not in str(caught.value)


ME = "0x" + "11" * 20


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "rpc: through which endpoint?"),
        (("--rpc", "http://127.0.0.1:1"), "address: whose positions?"),
        (("--rpc", "http://127.0.0.1:1", "--address", "0x1"), "address: '0x1' is no address"),
        (("--rpc", "x", "--address", ME, "--every", "0"), "every: 0 is not between"),
        (("--rpc", "x", "--address", ME, "--health", "low"), "health: 'low' is no number"),
        (("--rpc", "x", "--address", ME, "--rate-below", "-1"), "rate-below: '-1' is no number"),
        (("--rpc", "x", "--address", ME, "--peg", "USDC"), "peg: 'USDC' is no peg"),
        (("--rpc", "x", "--address", ME, "--claim", "0"), "claim: 0 is not between"),
        (("--rpc", "x", "--address", ME, "--at", "uniswap_v3"), "at: 'uniswap_v3' should be written as"),
        (("--rpc", "x", "--address", ME, "--webhook", "ftp://h"), "webhook"),
        (("nowhere.toml", "--rpc", "x", "--address", ME), "nowhere.toml: no such file"),
        (("--rpc", "ws://x", "--address", ME, "--once"), "ws://: not supported"),
    ],
)
def test_watch_refuses_in_one_line(options: tuple[str, ...], line: str, tmp_path: Path) -> None:
    said = tidemill("watch", *options, "--state", tmp_path / "state.json")
    assert said.code == 2 and line in said.line and said.line.startswith("tidemill: ")
    assert not (tmp_path / "state.json").exists()
