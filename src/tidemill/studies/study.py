"""The study file: one TOML for every command. Each field says what it means and in which unit.

The reference page ``docs/study.md`` and the table of bad inputs in the tests are generated from these types.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field

from tidemill.errors import BadInput, nearest
from tidemill.wording import ADDRESS, DECIMAL, HELD, NAME, complaint, inner, place

__all__ = [
    "ContributionSpec",
    "Fees",
    "PoolSpec",
    "RatesSpec",
    "Rehearsal",
    "StreamSpec",
    "Study",
    "TransferSpec",
    "VenueSpec",
    "WorldSpec",
    "between",
    "checked",
    "load_study",
    "parse_study",
]

Decimal = Annotated[str, Meta(pattern=DECIMAL, description="a decimal number in quotes, exact")]
Name = Annotated[str, Meta(pattern=NAME, description="a short name")]
Held = Annotated[str, Meta(pattern=HELD, description="a token, or TOKEN@NETWORK for one held elsewhere")]
YEARS = 2009, 2200
"""Years that a study can be about: chains have begun, and times stay far from what calendars cannot hold."""
MOST_GWEI = 10**9
"""Largest fee level: far above any that was ever paid, far below what the books cannot hold."""
MAX_BYTES = 1_000_000
"""A study file is a page of text; anything larger is a mistake."""


class PoolSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The pool that raw logs are of: they do not say it themselves."""

    address: Annotated[str, Meta(pattern=ADDRESS, description="contract address")]
    token0: Annotated[Name, Meta(description="symbol of token0 (the lower address)")]
    token1: Annotated[Name, Meta(description="symbol of token1")]
    decimals0: Annotated[int, Meta(ge=0, le=36, description="decimals of token0")]
    decimals1: Annotated[int, Meta(ge=0, le=36, description="decimals of token1")]
    fee: Annotated[int, Meta(ge=1, le=999_999, description="fee in millionths, e.g. 500 for 0.05 %")]
    tick_spacing: Annotated[int, Meta(ge=1, le=16_383, description="tick spacing")]
    network: Annotated[str, Meta(min_length=1, description="where the logs were recorded")] = "ethereum"
    chain_id: Annotated[int, Meta(ge=1, le=2**63 - 1, description="its chain id")] = 1
    fee_protocol0: Annotated[
        int, Meta(ge=0, le=10, description="protocol's share of fees in token0 as 1/n, 0 for none")
    ] = 0
    fee_protocol1: Annotated[int, Meta(ge=0, le=10, description="the same for token1")] = 0


class RatesSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows of a table of rates a venue follows, where the table has several reserves, vaults, farms or pools."""

    network: Annotated[
        str, Meta(description="rows of this network, as the table calls it; default: there is only one")
    ] = ""
    asset: Annotated[str, Meta(description="rows of this asset, by symbol or address; default: there is only one")] = ""


class VenueSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Where money works. ``[venues.NAME]``; the strategy refers to it by NAME."""

    kind: Annotated[str, Meta(description="protocol, e.g. uniswap_v3, erc4626, staking_rewards")]
    network: Annotated[
        str, Meta(description="where it stands, in a study over several networks; default: the study's own network")
    ] = ""
    dataset: Annotated[
        str,
        Meta(
            min_length=1,
            description="`sample`, a dataset folder, a Parquet of raw logs, or a table of rates (CSV, Parquet) for kinds that "
            "replay no events; relative to the study file",
        ),
    ] = "sample"
    mode: Annotated[
        Literal["small", "diluted", "impact", "anchored"],
        Meta(description="how your own liquidity takes part (architecture page, four modes)"),
    ] = "diluted"
    fidelity: Annotated[
        Literal["auto", "exact", "inferred", "bars"], Meta(description="`auto` takes the best that the data support")
    ] = "auto"
    pool: Annotated[PoolSpec | None, Meta(description="which pool, where the dataset is a file of raw logs")] = None
    rates: Annotated[RatesSpec | None, Meta(description="which rows, where the dataset is a table of rates")] = None
    params: Annotated[dict[str, int | str], Meta(description="contract parameters of venues that have no dataset")] = (
        field(default_factory=dict)
    )


class Fees(Struct, frozen=True, forbid_unknown_fields=True):
    """Fee levels used where the data carry none. Each one used is listed as an assumption, at half and double."""

    base_fee_gwei: Annotated[Decimal | None, Meta(description="execution base fee of the network, gwei")] = None
    priority_fee_gwei: Annotated[Decimal | None, Meta(description="tip per gas, gwei")] = None
    l1_base_fee_gwei: Annotated[Decimal | None, Meta(description="base fee of Ethereum, gwei, for the L1 data fee")] = (
        None
    )
    blob_base_fee_gwei: Annotated[Decimal | None, Meta(description="blob base fee of Ethereum, gwei")] = None
    fork: Annotated[
        str | None,
        Meta(description="fee formula to use instead of the one in force at the study's dates"),
    ] = None
    own: Annotated[
        dict[str, int | str],
        Meta(
            description="what this network's formula reads besides, in its own whole units, instead of the dated value: "
            '`base_fee_scalar = "5227"` on an OP chain, `price_per_unit = "30000000"` (wei) on Arbitrum'
        ),
    ] = field(default_factory=dict)


class WorldSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The life cycle of a transaction in a model world."""

    delay_blocks: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="blocks between a decision and its inclusion; together at most a tenth of the period",
        ),
    ] = 1
    placement: Annotated[
        Literal["first", "last", "seeded"], Meta(description="place of your transactions within their block")
    ] = "first"
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="seed of everything random in the study")] = 0


class StreamSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One of several strategies under one wallet. ``[streams.NAME]``, with `strategy = "portfolio"`."""

    strategy: Annotated[str, Meta(min_length=1, description="as of a study: a name, or `my.py:Mine`")]
    parameters: Annotated[dict[str, Any], Meta(description="that strategy's own parameters")] = field(
        default_factory=dict
    )
    share_bps: Annotated[
        int, Meta(ge=0, le=10_000, description="part of every token of the capital, hundredths of a per cent")
    ] = 0
    capital: Annotated[
        dict[Held, Decimal], Meta(description="amounts of the capital instead of the share, by token")
    ] = field(default_factory=dict)


class TransferSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What goes from one stream to another: accounting, no transaction. ``[[transfers]]``."""

    source: Annotated[Name, Meta(description="a stream, or `common` for what no stream has")]
    target: Annotated[Name, Meta(description="a stream, or `common`")]
    token: Annotated[Held, Meta(description="which token")]
    bps: Annotated[int, Meta(ge=1, le=10_000, description="part of it that moves")] = 10_000
    of: Annotated[
        Literal["idle", "income"],
        Meta(description="of what lies idle, or of what the stream gained in the token since the last time"),
    ] = "idle"
    every_days: Annotated[int, Meta(ge=0, le=3_650, description="days between two; 0: whenever there is enough")] = 0
    least: Annotated[Decimal, Meta(description="less than this does not move")] = "0"


class ContributionSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Capital that arrives during the study: what you bring, not what you earn. ``[[contributions]]``."""

    token: Annotated[Held, Meta(description="which token")]
    amount: Annotated[Decimal, Meta(description="how much each time")]
    every_days: Annotated[int, Meta(ge=1, le=3_650, description="days between two")] = 30
    first_day: Annotated[int, Meta(ge=1, le=36_500, description="day of the study on which the first arrives")] = 1
    times: Annotated[int, Meta(ge=0, le=10_000, description="how many; 0: until the end")] = 0


class Rehearsal(Struct, frozen=True, forbid_unknown_fields=True):
    """The window rehearsed on a local chain."""

    actions: Annotated[int, Meta(ge=1, le=100_000, description="most recorded actions to replay")] = 5_000
    seconds: Annotated[int, Meta(ge=1, le=3_600, description="aim for this many seconds on the local chain")] = 60


class Study(Struct, frozen=True, forbid_unknown_fields=True):
    """A study file, checked. ``path`` and ``digest`` are set by the loader."""

    title: Annotated[str, Meta(min_length=1, max_length=200, description="shown on the report")]
    network: Annotated[str, Meta(description="network whose costs and block times apply, e.g. op-mainnet, ethereum")]
    capital: Annotated[
        dict[Held, Decimal],
        Meta(
            min_length=1,
            description='what you bring, e.g. USDC = "10000", worth at most 10^12 of home; the native token pays gas; '
            'on another network "ETH@ethereum" = "0.05"',
        ),
    ]
    venues: Annotated[dict[Name, VenueSpec], Meta(min_length=1, description="places where money works")]
    strategy: Annotated[
        str,
        Meta(
            min_length=1,
            description="a name (`range_reset`) or your own code (`my.py:Mine`), which runs on your machine",
        ),
    ]
    parameters: Annotated[dict[str, Any], Meta(description="the strategy's own parameters")] = field(
        default_factory=dict
    )
    streams: Annotated[
        dict[Name, StreamSpec], Meta(max_length=32, description="the strategies of a portfolio, each with its part")
    ] = field(default_factory=dict)
    transfers: Annotated[
        list[TransferSpec], Meta(max_length=64, description="what goes from one stream to another")
    ] = field(default_factory=list)
    contributions: Annotated[
        list[ContributionSpec], Meta(max_length=64, description="capital that arrives during the study")
    ] = field(default_factory=list)
    home: Annotated[Name, Meta(description="asset into which everything is closed and in which it is counted")] = "USDC"
    exit: Annotated[
        Literal["close", "mark"],
        Meta(description="`close` sells into home at the end; `mark` only values the position"),
    ] = "close"
    start: Annotated[dt.datetime | None, Meta(description="first moment, UTC; default: where the data begin")] = None
    end: Annotated[dt.datetime | None, Meta(description="last moment, UTC; default: where the data end")] = None
    counterfactual: Annotated[
        list[str], Meta(max_length=8, description="further networks: the same flow with costs as there, shown beside")
    ] = field(default_factory=list)
    fees: Annotated[dict[str, Fees], Meta(description="fee levels by network")] = field(default_factory=dict)
    tokens: Annotated[
        dict[Name, Annotated[int, Meta(ge=0, le=36)]], Meta(description="decimals of tokens that no dataset describes")
    ] = field(default_factory=dict)
    prices: Annotated[
        dict[Name, Decimal], Meta(description="price in home of tokens that no pool of the study prices; an assumption")
    ] = field(default_factory=dict)
    world: WorldSpec = field(default_factory=WorldSpec)
    rehearse: Rehearsal = field(default_factory=Rehearsal)
    path: str = ""
    digest: str = ""

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return Path(self.path).parent if self.path else Path.cwd()


def between(study: Study, start: int, end: int) -> Study:
    """Return the same study over another period, Unix seconds."""
    first, last = (dt.datetime.fromtimestamp(time, dt.UTC) for time in (start, end))
    return msgspec.structs.replace(study, start=first, end=last)


def load_study(path: str | Path) -> Study:
    """Read and check a study file.

    Raises
    ------
    BadInput
        One line naming file, field, value and what would be right.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadInput(f"larger than {MAX_BYTES:,} bytes: not a study file", file=str(path))
        raw = file.read_bytes()
    except FileNotFoundError:
        raise BadInput("no such file; see examples/ for studies to start from", file=str(path)) from None
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", file=str(path)) from None
    try:
        text = raw.decode("utf-8-sig")  # some editors put a mark in front
    except UnicodeDecodeError:
        raise BadInput("not UTF-8 text: a study is a TOML file", file=str(path)) from None
    study = parse_study(text, str(path))
    return msgspec.structs.replace(study, path=str(file.resolve()), digest=hashlib.sha256(raw).hexdigest())


def parse_study(text: str, name: str = "study") -> Study:
    """Check the text of a study file; ``name`` stands for the file in error lines."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"not valid TOML: {error}", file=name) from None
    except (RecursionError, ValueError):
        raise BadInput("not valid TOML", file=name) from None
    for internal in ("path", "digest"):
        if internal in data:
            raise BadInput(f"unknown key{nearest(internal, _keys(Study))}", file=name, field=internal)
    _check_keys(data, Study, name, "")
    for table in msgspec.structs.fields(Study):
        if get_origin(_bare(table.type)) is dict and isinstance(data.get(table.name), dict):
            key_type, value_type = get_args(_bare(table.type))
            for key, value in data[table.name].items():
                checked(key, key_type, name, table.name)
                checked(value, value_type, name, f"{table.name}.{key}")
        if _is_tables(table.type) and isinstance(data.get(table.name), list):
            for number, value in enumerate(data[table.name]):
                checked(value, get_args(_bare(table.type))[0], name, f"{table.name}.{number}")
    study: Study = checked(data, Study, name, "")
    _check_dates(study, name)
    _check_sense(study, name)
    return study


def _check_sense(study: Study, name: str) -> None:
    """Refuse what has the right type and no meaning."""
    if not study.title.isprintable() or not study.title.strip():
        raise BadInput(f"{study.title!r} is no line of text", file=name, field="title")
    for network, fees in study.fees.items():
        for key, text in msgspec.structs.asdict(fees).items():
            if key.endswith("_gwei") and text is not None and int(text.partition(".")[0]) > MOST_GWEI:
                raise BadInput(
                    f"{text} gwei is more than {MOST_GWEI:,}, a whole token per gas",
                    file=name,
                    field=f"fees.{network}.{key}",
                )
        if fees.fork == "":
            raise BadInput("expected the name of a fork", file=name, field=f"fees.{network}.fork")
        for level, value in fees.own.items():
            if not str(value).isdecimal() or not str(value).isascii() or int(value) >= 2**256:
                raise BadInput(
                    f"{value!r} is no whole number of the network's own units, 0 or more",
                    file=name,
                    field=f"fees.{network}.own.{level}",
                )
    if bool(study.streams) != (study.strategy == "portfolio"):
        raise BadInput(
            "a portfolio is made of [streams.NAME], each with its strategy; there are none"
            if not study.streams
            else 'streams are for strategy = "portfolio"',
            file=name,
            field="streams",
        )
    if study.transfers and not study.streams:
        raise BadInput("transfers are between streams; there are none", file=name, field="transfers")
    if "common" in study.streams:
        raise BadInput("this is the name of what no stream has", file=name, field="streams.common")
    for at, other in enumerate(study.counterfactual):
        if other == study.network:
            raise BadInput(f"{other!r} is the study's own network", file=name, field="counterfactual")
        if other in study.counterfactual[:at]:
            raise BadInput(f"{other!r} is listed twice", file=name, field="counterfactual")
    for token, price in study.prices.items():
        if not price.strip("0."):
            raise BadInput(
                "a price of 0 would value it at nothing; leave it out or say one", file=name, field=f"prices.{token}"
            )


def _bare(kind: Any) -> Any:
    """Return the type beneath descriptions and ``| None``."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) is UnionType:
        tables = [_bare(option) for option in get_args(kind) if option is not type(None)]
        return tables[0] if len(tables) == 1 else kind
    return kind


def checked(data: Any, kind: Any, name: str, prefix: str) -> Any:
    """Convert with the types' own checks; raises ``BadInput`` naming file, field (after ``prefix``) and what stands there."""
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        message, at = place(error)
        at = _entry(data, kind, at)
        raise BadInput(
            complaint(message, data, at, kind),
            file=name,
            field=".".join(part for part in (prefix, at) if part) or None,
        ) from None


def _entry(data: Any, kind: Any, at: str) -> str:
    """Name the entry of a table that a checker calls ``[...]``, where one entry alone is wrong."""
    table, dots, rest = at.partition("[...]")
    if not dots or rest:
        return at
    entries = data
    for part in table.split("."):
        entries, kind = entries[part], inner(kind, part)
    for key, value in entries.items():
        try:
            msgspec.convert(value, inner(kind, key), strict=True)
        except msgspec.ValidationError:
            return f"{table}.{key}"
    return table


def _check_dates(study: Study, name: str) -> None:
    for key in ("start", "end"):
        value = getattr(study, key)
        if value is not None and value.tzinfo is None:
            raise BadInput(f"{value} has no time zone; write {value.isoformat()}Z", file=name, field=key)
        if value is not None and not YEARS[0] <= value.year <= YEARS[1]:
            raise BadInput(f"{value.isoformat()} is no year of a chain; {YEARS[0]} to {YEARS[1]}", file=name, field=key)
    if study.start and study.end and study.start >= study.end:
        raise BadInput(f"end {study.end} is not after start {study.start}", file=name, field="end")


def _is_tables(kind: Any) -> bool:
    """Say whether a field is a list of tables, ``[[NAME]]``."""
    kind = _bare(kind)
    return get_origin(kind) is list and isinstance(get_args(kind)[0], type) and issubclass(get_args(kind)[0], Struct)


def _keys(struct: type[Struct]) -> list[str]:
    return [f.name for f in msgspec.structs.fields(struct) if f.name not in ("path", "digest")]


def _check_keys(data: Any, kind: Any, name: str, at: str) -> None:
    """Refuse unknown keys, naming the nearest valid one."""
    kind = _bare(kind)
    if get_origin(kind) is dict and isinstance(data, dict):
        for key, value in data.items():
            _check_keys(value, get_args(kind)[1], name, f"{at}{key}.")
        return
    if _is_tables(kind) and isinstance(data, list):
        for number, value in enumerate(data):
            _check_keys(value, get_args(kind)[0], name, f"{at}{number}.")
        return
    if not (isinstance(kind, type) and issubclass(kind, Struct) and isinstance(data, dict)):
        return
    types = {f.name: f.type for f in msgspec.structs.fields(kind)}
    valid = [key for key in types if key not in ("path", "digest")]
    for key, value in data.items():
        if key not in valid:
            raise BadInput(f"unknown key{nearest(key, valid)}", file=name, field=f"{at}{key}")
        _check_keys(value, types[key], name, f"{at}{key}.")
    return
