"""The codec against eth_abi on random values, events and reverts; ABIs written as text."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.chain.abi import Abi, EventCodec, FunctionCodec, create_data, decode_revert, selector
from tidemill.chain.abi_text import abi_of_text
from tidemill.chain.deploy import Deployment, create_address, planned_addresses
from tidemill.errors import BadInput

ADDRESS = st.binary(min_size=20, max_size=20).map(lambda b: "0x" + b.hex())
ONE_WORD = {
    "address": ADDRESS,
    "bool": st.booleans(),
    **{f"uint{bits}": st.integers(0, 2**bits - 1) for bits in (8, 24, 128, 160, 256)},
    **{f"int{bits}": st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 24, 56, 128, 256)},
}
OTHER = {
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=20),
    "bytes32": st.binary(min_size=32, max_size=32),
}
TYPED = st.sampled_from(sorted(ONE_WORD | OTHER)).flatmap(lambda t: (ONE_WORD | OTHER)[t].map(lambda v: (t, v)))


def _function(types: list[str]) -> FunctionCodec:
    parameters = [{"name": f"a{i}", "type": t} for i, t in enumerate(types)]
    return FunctionCodec({"type": "function", "name": "f", "inputs": parameters, "outputs": parameters})


@settings(deadline=None, derandomize=True)
@given(st.lists(TYPED, max_size=6))
def test_values_go_out_and_come_back_as_eth_abi_has_them(typed: list[tuple[str, object]]) -> None:
    types, values = [t for t, _ in typed], [v for _, v in typed]
    codec = _function(types)
    assert codec.encode(*values) == codec.selector + encode(types, values)
    assert codec.decode(encode(types, values)) == tuple(values)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256), ("uint256", 2**256), ("uint256", -1), ("int24", 2**23), ("int24", -(2**23) - 1), ("bool", 1),
        ("uint8", True), ("uint8", 1.0), ("address", "0x12"), ("address", "0x" + "zz" * 20), ("bytes32", b"1" * 33),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused(kind: str, value: object) -> None:
    with pytest.raises(BadInput, match=r"f\("):
        _function([kind]).encode(value)


@pytest.mark.parametrize(
    ("kind", "word"),
    [("uint8", 256), ("bool", 2), ("int24", 2**23), ("int24", 2**256 - 2**23 - 1), ("uint128", 2**128)],
)
def test_answers_wider_than_their_type_are_refused(kind: str, word: int) -> None:
    codec = _function([kind])
    with pytest.raises(ValueError, match="."):
        codec.decode(word.to_bytes(32, "big"))
    fitting = word - 1 if word < 2**255 else word + 1
    assert codec.decode(fitting.to_bytes(32, "big"))


@pytest.mark.parametrize("data", [b"", b"\0" * 31, b"\0" * 33])
def test_answers_of_the_wrong_length_are_refused(data: bytes) -> None:
    if len(data) < 32:
        with pytest.raises(ValueError, match="does not decode"):
            _function(["uint256"]).decode(data)
    else:  # extra bytes are allowed by the ABI
        assert _function(["uint256"]).decode(data) == (0,)


def test_overloads_are_reached_by_signature() -> None:
    abi = abi_of_text(["function f(uint256 a)", "function f(uint256 a, bool b)"])
    assert abi.encode("f(uint256)", 1)[:4] == selector("f(uint256)")
    assert abi.encode("f", 1, True)[:4] == selector("f(uint256,bool)")
    with pytest.raises(BadInput, match="takes 2 arguments, got 1"):
        abi.encode("f", 1)


def test_text_reads_structs_arrays_events_and_errors() -> None:
    abi = abi_of_text(
        [
            "function mint((address token, uint24[2] fees, (bool b)[] parts) p, bytes d) returns (uint256, int256)",
            "event Swap(address indexed sender, int256 amount, int24 indexed tick)",
            "error TooMuch(uint256 wanted)",
            "",
        ]
    )
    assert abi.functions["mint"].signature == "mint((address,uint24[2],(bool)[]),bytes)"
    assert abi.functions["mint"].outputs == ["uint256", "int256"]
    (event,) = abi.events.values()
    assert (event.names, event.indexed) == (["sender", "amount", "tick"], [True, False, True])
    topics = [event.topic, "0x" + "00" * 12 + "11" * 20, "0x" + "ff" * 32]
    assert event.decode(topics, (7).to_bytes(32, "big")) == {"sender": "0x" + "11" * 20, "amount": 7, "tick": -1}
    data = selector("TooMuch(uint256)") + (5).to_bytes(32, "big")
    assert decode_revert(data, abi.errors) == "TooMuch(5)"
    for line in ("swap()", "function f(uint a", "event"):
        with pytest.raises(BadInput, match="ABI line"):
            abi_of_text([line])


def test_events_of_the_wrong_shape_are_refused() -> None:
    codec = EventCodec(
        {
            "name": "E",
            "inputs": [
                {"name": "a", "type": "uint8", "indexed": True},
                {"name": "b", "type": "string", "indexed": False},
            ],
        }
    )
    good = [codec.topic, "0x" + "00" * 31 + "05"], encode(["string"], ["hello"])
    assert codec.decode(*good) == {"a": 5, "b": "hello"}
    for topics, data in [(good[0][:1], good[1]), (good[0], b""), ([codec.topic, "0x" + "ff" * 32], good[1])]:
        with pytest.raises(ValueError, match="."):
            codec.decode(topics, data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", ""),
        (selector("Error(string)") + encode(["string"], ["TLU"]), "TLU"),
        (selector("Panic(uint256)") + encode(["uint256"], [0x11]), "Panic(0x11)"),
        (b"\x01\x02\x03\x04", "0x01020304"),
        (b"\x01\x02\x03\x04" + b"\0" * 32, "0x01020304"),
        (b"\x01", "0x01"),
        (selector("Error(string)") + b"\xff", "0x08c379a0ff"),
    ],
)
def test_revert_reasons(data: bytes, reason: str) -> None:
    assert decode_revert(data) == reason


def test_constructor_arguments_follow_the_code() -> None:
    abi = Abi([{"type": "constructor", "inputs": [{"name": "a", "type": "uint8"}]}])
    assert create_data(abi, b"\xfe", 7) == b"\xfe" + (7).to_bytes(32, "big")
    with pytest.raises(BadInput, match="constructor"):
        create_data(abi, b"\xfe", 256)
    assert create_data(Abi([]), b"\xfe") == b"\xfe"


def test_created_addresses() -> None:
    sender = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"
    # The example of the Ethereum wiki's question on contract addresses, nonces 0 to 3.
    known = [
        "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d",
        "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8",
        "0xf778b86fa74e846c4f0a1fbd1335fe81c00a0c91",
        "0xfffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c",
    ]
    assert [create_address(sender, n) for n in range(4)] == known
    assert len({create_address(sender, n) for n in (0x7F, 0x80, 0xFF, 0x100)}) == 4
    with pytest.raises(BadInput, match="used twice"):
        planned_addresses([Deployment("a", "X"), Deployment("a", "Y")], sender, 0)
