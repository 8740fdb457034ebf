"""ABI codec: calls in, answers, events and revert reasons out. Codecs are built once per contract and cached.

Addresses are lower-case hex with ``0x`` everywhere in tidemill: one spelling, so they compare as strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from eth_abi.abi import decode as _decode
from eth_abi.abi import encode as _encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_hash.auto import keccak
from msgspec import Struct

from tidemill.errors import BadInput

__all__ = ["Abi", "EventCodec", "FunctionCodec", "create_data", "decode_revert", "selector", "type_name"]

_ERROR = bytes.fromhex("08c379a0")  # Error(string)
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)
_WORD = 32
_CODEC_ERRORS = (DecodingError, EncodingError, ArithmeticError, LookupError, TypeError, ValueError)


@lru_cache(maxsize=4096)
def selector(signature: str) -> bytes:
    """Return the first four bytes of the hash of ``name(type,…)``.

    >>> selector("transfer(address,uint256)").hex()
    'a9059cbb'
    """
    return bytes(keccak(signature.encode())[:4])


def type_name(parameter: Mapping[str, Any]) -> str:
    """Return the canonical type of an ABI parameter, structs spelt out as tuples."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(type_name(c) for c in parameter['components'])}){kind.removeprefix('tuple')}"


class FunctionCodec:
    """Encodes calls of one function and decodes its answers."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name: str = entry["name"]
        self.inputs: list[str] = [type_name(p) for p in entry.get("inputs", ())]
        self.outputs: list[str] = [type_name(p) for p in entry.get("outputs", ())]
        self.output_names: list[str] = [p["name"] for p in entry.get("outputs", ())]
        self.signature = f"{self.name}({','.join(self.inputs)})"
        self.selector = selector(self.signature)
        self._in = _fast_codec(self.inputs)
        self._out = _fast_codec(self.outputs)

    def encode(self, *args: Any) -> bytes:
        """Return calldata. Raises ``BadInput`` when a value does not fit its type."""
        if len(args) != len(self.inputs):
            raise BadInput(f"{self.signature} takes {len(self.inputs)} arguments, got {len(args)}")
        if self._in is not None and (fast := _encode_words(self._in, args)) is not None:
            return self.selector + fast
        try:
            return self.selector + bytes(_encode(self.inputs, args))
        except _CODEC_ERRORS as error:
            raise BadInput(f"{self.signature}: cannot encode {args!r}: {error}") from None

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """Return the outputs. Raises ``ValueError`` when ``data`` is not what the function returns."""
        if self._out is not None and len(data) == _WORD * len(self._out):
            return _decode_words(self._out, data)
        try:
            return tuple(_decode(self.outputs, data))
        except _CODEC_ERRORS as error:
            raise ValueError(f"{self.signature}: answer of {len(data)} bytes does not decode") from error


class EventCodec:
    """Decodes logs of one event."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name: str = entry["name"]
        inputs = entry.get("inputs", ())
        self.types = [type_name(p) for p in inputs]
        self.names: list[str] = [p["name"] for p in inputs]
        self.indexed = [bool(p["indexed"]) for p in inputs]
        self.signature = f"{self.name}({','.join(self.types)})"
        self.topic = "0x" + keccak(self.signature.encode()).hex()
        self._data_types = [t for t, i in zip(self.types, self.indexed, strict=True) if not i]
        self._fast = _fast_codec(self._data_types)
        self._topic_fast = [_word_kind(t) if i else None for t, i in zip(self.types, self.indexed, strict=True)]

    def decode(self, topics: Sequence[str], data: bytes) -> dict[str, Any]:
        """Return arguments by name, in the event's own order; an indexed dynamic value stays its hash (hex).

        Raises ``ValueError`` when topics or data have the wrong length.
        """
        if len(topics) != 1 + sum(self.indexed):
            raise ValueError(f"{self.signature}: {len(topics)} topics, expected {1 + sum(self.indexed)}")
        if self._fast is not None:
            if len(data) != _WORD * len(self._fast):
                raise ValueError(f"{self.signature}: {len(data)} bytes of data, expected {_WORD * len(self._fast)}")
            values = iter(_decode_words(self._fast, data))
        else:
            try:
                values = iter(_decode(self._data_types, data))
            except _CODEC_ERRORS as error:
                raise ValueError(f"{self.signature}: {len(data)} bytes of data do not decode") from error
        rest = iter(topics[1:])
        out: dict[str, Any] = {}
        for name, indexed, kind in zip(self.names, self.indexed, self._topic_fast, strict=True):
            if not indexed:
                out[name] = next(values)
                continue
            topic = next(rest)
            out[name] = topic if kind is None else _decode_words([kind], bytes.fromhex(topic[2:]))[0]
        return out


class Abi:
    """All functions, events and errors of a contract. Overloads are reached by full signature."""

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        self.entries = tuple(entries)

    @cached_property
    def functions(self) -> dict[str, FunctionCodec]:
        """Codecs by signature, and by bare name for the overload with the most arguments."""
        out: dict[str, FunctionCodec] = {}
        for entry in self.entries:
            if entry["type"] == "function":
                codec = FunctionCodec(entry)
                out[codec.signature] = codec
                if codec.name not in out or len(out[codec.name].inputs) < len(codec.inputs):
                    out[codec.name] = codec
        return out

    @cached_property
    def events(self) -> dict[str, EventCodec]:
        """Codecs by topic (``0x`` and 64 hex digits)."""
        codecs = [EventCodec(e) for e in self.entries if e["type"] == "event" and not e.get("anonymous")]
        return {c.topic: c for c in codecs}

    @cached_property
    def errors(self) -> dict[bytes, FunctionCodec]:
        """Custom errors by selector."""
        codecs = [FunctionCodec(e) for e in self.entries if e["type"] == "error"]
        return {c.selector: c for c in codecs}

    @cached_property
    def constructor(self) -> list[str]:
        """Types of the constructor's arguments."""
        entry = next((e for e in self.entries if e["type"] == "constructor"), {})
        return [type_name(p) for p in entry.get("inputs", ())]

    def encode(self, function: str, *args: Any) -> bytes:
        """Return calldata of a function by name or signature."""
        return self.functions[function].encode(*args)

    def decode(self, function: str, data: bytes) -> tuple[Any, ...]:
        """Return a function's outputs."""
        return self.functions[function].decode(data)

    def encode_constructor(self, *args: Any) -> bytes:
        """Return constructor arguments, to be appended to creation code."""
        try:
            return bytes(_encode(self.constructor, args))
        except _CODEC_ERRORS as error:
            raise BadInput(f"constructor({','.join(self.constructor)}): cannot encode {args!r}: {error}") from None


def create_data(abi: Abi, bytecode: bytes, *args: Any) -> bytes:
    """Return creation code with its constructor arguments."""
    return bytecode + abi.encode_constructor(*args)


class _Word(Struct, frozen=True):
    """A one-word type: ``kind`` is uint, int, address or bool; ``bits`` its width."""

    kind: str
    bits: int


def _word_kind(name: str) -> _Word | None:
    if name == "address":
        return _Word("address", 160)
    if name == "bool":
        return _Word("bool", 1)
    for kind in ("uint", "int"):
        if name.startswith(kind) and name[len(kind) :].isdigit():
            return _Word(kind, int(name[len(kind) :]))
    return None


def _fast_codec(types: Sequence[str]) -> list[_Word] | None:
    # Calls made of one-word values are nearly all calls; eth_abi costs 100 µs on them, this a few.
    words = [_word_kind(t) for t in types]
    return [w for w in words if w is not None] if all(w is not None for w in words) else None


def _encode_words(words: Sequence[_Word], args: Sequence[Any]) -> bytes | None:
    """Return the encoding, or ``None`` where a value needs eth_abi's checks and messages."""
    out = []
    for word, value in zip(words, args, strict=True):
        if word.kind == "address":
            if not (isinstance(value, str) and len(value) == 42 and value.startswith("0x")):
                return None
            try:
                number = int(value, 16)
            except ValueError:
                return None
        elif word.kind == "bool":
            if not isinstance(value, bool):
                return None
            number = int(value)
        else:
            if not isinstance(value, int) or isinstance(value, bool):
                return None
            low, high = (0, 1 << word.bits) if word.kind == "uint" else (-(1 << word.bits - 1), 1 << word.bits - 1)
            if not low <= value < high:
                return None
            number = value % (1 << 256)
        out.append(number.to_bytes(_WORD, "big"))
    return b"".join(out)


def _decode_words(words: Sequence[_Word], data: bytes) -> tuple[Any, ...]:
    out: list[Any] = []
    for i, word in enumerate(words):
        piece = data[_WORD * i : _WORD * i + _WORD]
        if word.kind == "address":
            out.append("0x" + piece[12:].hex())
            continue
        number = int.from_bytes(piece, "big", signed=word.kind == "int")
        # Values wider than their type cannot come from a contract that keeps the ABI.
        if word.kind == "bool":
            if number > 1:
                raise ValueError(f"{number} is not a bool")
            out.append(bool(number))
            continue
        magnitude = number if number >= 0 else ~number
        if magnitude >> (word.bits - (word.kind == "int")):
            raise ValueError(f"{number} does not fit {word.kind}{word.bits}")
        out.append(number)
    return tuple(out)


def decode_revert(data: bytes, errors: Mapping[bytes, FunctionCodec] | None = None) -> str:
    """Return why a contract refused: its revert string, ``Panic(0x11)``, ``Name(args)``, or ``""`` if it gave nothing.

    ``errors`` are custom errors to recognise (``Abi.errors``); an unknown one comes back as its selector in hex.

    >>> decode_revert(b"")
    ''
    >>> decode_revert(bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"))
    'Panic(0x11)'
    """
    if not data:
        return ""
    head, body = data[:4], data[4:]
    try:
        if head == _ERROR:
            return str(_decode(["string"], body)[0])
        if head == _PANIC:
            return f"Panic(0x{_decode(['uint256'], body)[0]:02x})"
        if errors and head in errors:
            codec = errors[head]
            return f"{codec.name}({', '.join(str(v) for v in _decode(codec.inputs, body))})"
    except _CODEC_ERRORS:  # a contract may return any bytes; then they are shown as they are
        return "0x" + data.hex()
    return "0x" + (head.hex() if len(data) % _WORD == 4 else data.hex())
