"""The command language: one signature and docstring per command; heavy imports inside."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from tidemill import __version__
from tidemill.app.console import fail
from tidemill.app.fact_commands import facts
from tidemill.app.market_commands import market
from tidemill.app.network_commands import networks
from tidemill.app.options import Formats, Json, Out
from tidemill.app.venue_commands import venues
from tidemill.errors import TidemillError, nearest

__all__ = ["app", "run"]

_OWN_CODE = "tidemill_user_"
"""How modules of a user's own strategies are called (``strategies.registry``)."""

Proof = Literal["bytecode-equal", "fork-equal", "rule-checked", "unproven"]

app = App(
    name="tidemill",
    version=__version__,
    help="What a Layer-2 income position really earns, net of everything.",
    help_format="markdown",
    suppress_keyboard_interrupt=False,  # `main` says what an interruption leaves behind
)
contracts = App(name="contracts", help="Real contract artefacts and the local chain, in the user's cache.")
app.command(contracts)
app.command(facts)
app.command(market)
app.command(networks)
app.command(venues)


def run(tokens: Sequence[str]) -> int:
    """Run the command line on ``tokens``; print one clear line and return 2 on bad input.

    Anything unforeseen is one line as well, and 1, or 2 if it happened in a user's own file; ``TIDEMILL_TRACEBACK=1``
    shows the whole of it.
    """
    try:
        result = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except UnusedCliTokensError as error:
        path, further = _called(tokens)
        extra = str((error.unused_tokens or ("",))[0])
        said = f"{extra!r} is not expected here{nearest(extra, further)}"
        return fail(f"{said} ({' '.join(('tidemill', *path))} --help)", code=2)
    except CycloptsError as error:
        path, _ = _called(tokens)
        return fail(f"{' '.join(str(error).split())} ({' '.join(('tidemill', *path))} --help)", code=2)
    except TidemillError as error:
        return fail(str(error), code=2)
    except BrokenPipeError:
        raise  # `main` knows what to do
    except Exception as error:  # a person gets a line, whatever happens
        if os.environ.get("TIDEMILL_TRACEBACK"):
            raise
        return _unforeseen(error)
    return result if isinstance(result, int) else 0


def _called(tokens: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the command that ``tokens`` call, word by word, and the commands that could follow it."""
    node, path = app, []
    for token in tokens:
        if token.startswith("-") or token not in node:
            break
        node = node[token]
        path.append(token)
    return path, [name for name in node if not name.startswith("-")]


def _unforeseen(error: Exception) -> int:
    """Say what happened and where: in a strategy of the user's own, at the system's border, or by a defect of ours."""
    what = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    if own:
        return fail(f"{own[-1].filename}: line {own[-1].lineno}, in {own[-1].name}: {what}", code=2)
    if isinstance(error, OSError):
        return fail(what, code=1)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return fail(f"a defect of tidemill, please report it: {what} ({where}; TIDEMILL_TRACEBACK=1 shows more)", code=1)


def _is_own(filename: str) -> bool:
    """Tell whether a file was loaded as a strategy of the user's own."""
    loaded = (module for name, module in list(sys.modules.items()) if name.startswith(_OWN_CODE))
    return any(getattr(module, "__file__", None) == filename for module in loaded)


@app.command
def backtest(study: Path, *, out: Out = Path("out"), formats: Formats = ("html",), json: Json = False) -> int:
    """Run a study over recorded events; print the statement, write report, ledger and result.json.

    Example: `tidemill backtest examples/range_reset.toml`

    Parameters
    ----------
    study
        The study file (TOML); see docs/study.md.
    out
        Folder that receives a folder per study.
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the result document as JSON on standard output.
    """
    from tidemill.app.commands import backtest as command  # noqa: PLC0415

    return command(study, out, formats, as_json=json)


@app.command
def demo(*, out: Out = Path("out"), formats: Formats = ("html",), json: Json = False) -> int:
    """Run the embedded example on the synthetic sample (what `make run` calls).

    Example: `tidemill demo`

    Parameters
    ----------
    out
        Folder that receives a folder per study.
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the result document as JSON on standard output.
    """
    from tidemill.app.commands import demo as command  # noqa: PLC0415

    return command(out, formats, as_json=json)


@app.command
def rehearse(
    study: Path,
    *,
    mode: Literal["locked", "live-like"] = "locked",
    gas: Literal["model", "measured"] = "model",
    out: Out = Path("out"),
    json: Json = False,
) -> int:
    """Run the study's strategy against the real contracts on a local chain and compare to the wei.

    Example: `tidemill rehearse examples/range_reset.toml --gas measured`

    Parameters
    ----------
    study
        The study file (TOML).
    mode
        `locked`: the same order of actions on both sides, 0 wei difference; `live-like`: the chain mines by itself, other
        actors step in between observation and inclusion, books equal the chain, tracking error by cause (takes about
        `rehearse.seconds`; not the same twice).
    gas
        `measured` feeds the chain's receipts back, so that the native token agrees to the wei as well.
    out
        Folder that receives a folder per study.
    json
        Print the comparison as JSON on standard output.
    """
    from tidemill.app.commands import rehearse as command  # noqa: PLC0415

    return command(study, mode, gas, out, as_json=json)


@app.command
def compare(*studies: Path, out: Out = Path("out/compare"), formats: Formats = ("html",), json: Json = False) -> int:
    """Run several studies of the same capital and period; print their waterfalls side by side, against common baselines.

    One study alone is compared with itself at the costs of each network in its `counterfactual`.

    Example: `tidemill compare examples/networks_compared.toml`

    Parameters
    ----------
    studies
        Two or more study files (TOML) of the same capital, home asset, start and end; or one with `counterfactual`.
    out
        Folder that receives compare.json and the report.
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the comparison as JSON on standard output.
    """
    from tidemill.app.commands import compare as command  # noqa: PLC0415

    return command(studies, out, formats, as_json=json)


@app.command
def sweep(
    study: Path,
    *,
    grid: Annotated[list[str], Parameter(name=["--grid", "-g"], negative="", consume_multiple=True)],
    random: int | None = None,
    quasi: int | None = None,
    rank: Literal["keep", "cvar", "drawdown", "sharpe"] = "keep",
    screen: int | None = None,
    jobs: int = 2,
    on: str = "",
    resume: Annotated[bool, Parameter(negative="")] = False,
    out: Out = Path("out"),
    formats: Formats = ("html",),
    json: Json = False,
) -> int:
    """Run a study with many settings of its strategy, rank them, and say how much of the best one is luck.

    Example: `tidemill sweep examples/range_reset.toml --grid width=200..1600:200 trigger=0,100`

    Parameters
    ----------
    study
        The study file (TOML).
    grid
        Parameters and their values: `width=200,400`, `width=100..2000:100`, `width=log(100,3000,12)`; all combinations are
        played. In a portfolio `streams.NAME.width=…`, `streams.NAME.share_bps=…`, `transfers.0.bps=…`.
    random
        Play so many combinations, drawn at random by the study's seed.
    quasi
        Play so many combinations, spread evenly over the grid.
    rank
        What to rank by: `keep` (what you keep), `cvar` (mean of the worst 5 % of steps), `drawdown` (deepest fall) or
        `sharpe` (gain over holding, over its deviation).
    screen
        Estimate all variants at once from the fee index (of strategies that can be: docs/sweep.md) and play so many exactly:
        the best, and a fifth as many more, by which the estimate's error is measured.
    jobs
        Processes to play on; the result is the same for any number.
    on
        Play on a Ray cluster instead: `ray` (one started here, or that of RAY_ADDRESS), or `ray://HOST:PORT`.
    resume
        Go on with an interrupted sweep of the same study: what has been played is not played again.
    out
        Folder that receives a folder per sweep, with sweep.json, trials.csv and the report.
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the result as JSON on standard output.
    """
    from tidemill.app.sweep_command import sweep as command  # noqa: PLC0415

    return command(study, grid, random, quasi, rank, screen, jobs, on, out, formats, resume=resume, as_json=json)


@app.command
def optimise(
    study: Path,
    *,
    grid: Annotated[list[str], Parameter(name=["--grid", "-g"], negative="", consume_multiple=True)],
    trials: int = 50,
    rank: Literal["keep", "cvar", "drawdown", "sharpe"] = "keep",
    inside: int = 70,
    out: Out = Path("out"),
    formats: Formats = ("html",),
    json: Json = False,
) -> int:
    """Search a strategy's parameters on the first part of the period, and judge what was found on the rest.

    Example: `tidemill optimise examples/range_reset.toml --grid width=100..3000:100 trigger=0..300:50 --trials 40`

    Parameters
    ----------
    study
        The study file (TOML).
    grid
        Parameters and the values to search among, as for `tidemill sweep`.
    trials
        Backtests to spend.
    rank
        What to look for: `keep`, `cvar`, `drawdown` or `sharpe`, as for `tidemill sweep`.
    inside
        Percent of the period that the search sees; the rest judges.
    out
        Folder that receives a folder per study, with optimise.json, trials.csv and the report.
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the result as JSON on standard output.
    """
    from tidemill.app.optimise_command import optimise as command  # noqa: PLC0415

    return command(study, grid, trials, rank, inside, out, formats, as_json=json)


@app.command
def scan(
    listed: Annotated[Path | None, Parameter(name=["--list", "-l"])] = None,
    *,
    from_: Annotated[str, Parameter(name="--from")] = "",
    offer: Annotated[list[str] | None, Parameter(name="--offer", negative="", consume_multiple=True)] = None,
    networks: Annotated[list[str] | None, Parameter(name="--networks", negative="", consume_multiple=True)] = None,
    min_tvl: str = "1000000",
    min_days: int = 30,
    most: int = 100,
    proof: Proof = "unproven",
    max_age: int = 3,
    stale: int = 24,
    json: Json = False,
) -> int:
    """Read a list of opportunities, and say what of it is believed and what is left out, by stated rules.

    Example: `tidemill scan --list pools.json --networks base op-mainnet --min-tvl 5000000`

    Parameters
    ----------
    listed
        JSON in the format of public yield pages: rows with chain, project, symbol, tvlUsd, apyBase, apyReward …
    from_
        Instead: where such a list is published (https://…); it is kept with its date.
    offer
        Offers by hand: KIND@NETWORK:TOKENS=APY%, e.g. `aave_v3@base:USDC=4.2%,tvl=90M`.
    networks
        Only these.
    min_tvl
        USD that must be in it.
    min_days
        Days that the list must have followed it.
    most
        Percent a year beyond which a promise is absurd; two fifths of it where no prices part (lending, staking).
    proof
        Only what is modelled and proven at least so.
    max_age
        Days that a rate may be old.
    stale
        Hours that a kept copy may be old where the address cannot be reached.
    json
        Print everything as JSON on standard output.
    """
    from tidemill.app.plan_command import Listing  # noqa: PLC0415
    from tidemill.app.plan_command import scan as command  # noqa: PLC0415

    listing = Listing(listed, from_, networks or [], min_tvl, min_days, most, proof, stale, max_age, offer or [])
    return command(listing, as_json=json)


@app.command
def plan(
    *,
    have: str,
    horizon: str = "180d",
    risk: Literal["low", "moderate", "high"] = "moderate",
    listed: Annotated[Path | None, Parameter(name=["--list", "-l"])] = None,
    from_: Annotated[str, Parameter(name="--from")] = "",
    offer: Annotated[list[str] | None, Parameter(name="--offer", negative="", consume_multiple=True)] = None,
    price: Annotated[list[str] | None, Parameter(name="--price", negative="", consume_multiple=True)] = None,
    cost: Annotated[list[str] | None, Parameter(name="--cost", negative="", consume_multiple=True)] = None,
    networks: Annotated[list[str] | None, Parameter(name="--networks", negative="", consume_multiple=True)] = None,
    cap: Annotated[list[str] | None, Parameter(name="--cap", negative="", consume_multiple=True)] = None,
    liquid: str = "",
    reach: Literal["ethereum", "network"] = "ethereum",
    least: str = "0%",
    min_tvl: str = "1000000",
    min_days: int = 30,
    most: int = 100,
    proof: Proof = "unproven",
    max_age: int = 3,
    stale: int = 24,
    time_limit: int = 10,
    on: str = "",
    out: Out = Path("out/planned"),
    formats: Formats = ("html",),
    json: Json = False,
) -> int:
    """What to hold of what is on offer: the most expected net income within a bound on losses, and why.

    Example: `tidemill plan --have "10000 USDC, 3 ETH" --price ETH=3000 --horizon 180d --list pools.json --liquid 20%:1d`
    Example: `tidemill plan --have "10000 USDC" --horizon 90d --risk low --offer aave_v3@base:USDC=4.2%,tvl=90M`

    Parameters
    ----------
    have
        What you hold: amounts and tokens.
    horizon
        For how long: 180d, 26w, 6m, 1y.
    risk
        How much may be lost: `low`, `moderate` or `high`; the bounds are printed.
    listed
        JSON in the format of public yield pages.
    from_
        Instead: where such a list is published (https://…); it is kept with its date, and not believed when old.
        Without a list: what tidemill has dated rates of, and what you add by `--offer`; the rest is named as not judged.
    offer
        Offers by hand: KIND@NETWORK:TOKENS=APY% with tvl=, since=, reward=, mean=, lock=, as_of=, source= behind commas,
        e.g. `aave_v3@base:USDC=4.2%,tvl=90M,since=2025-06-01`; a place without a model: `none/NAME@base:USDC=5%`.
    price
        USD of a token you hold, e.g. ETH=3000; USDC, USDT and DAI are taken as 1.
    cost
        USD that coming and going costs on a network, e.g. ethereum=12.
    networks
        Only these.
    cap
        The largest part in each network, venue, issuer, asset, in any one, or locked for a day or more, instead of the
        risk's own: network=50%, network:base=30%, asset:USDC=60%, one=20%, locked=0%.
    liquid
        What must be reachable when, e.g. 20%:1d,50%:10d.
    reach
        Where money counts as reached: on `ethereum` by the network's own way out, or in your wallet on its own `network`.
    least
        The part that must be put to work at least.
    min_tvl
        USD that must be in it.
    min_days
        Days that the list must have followed it.
    most
        Percent a year beyond which a promise is absurd; two fifths of it where no prices part (lending, staking).
    proof
        Only what is modelled and proven at least so.
    max_age
        Days that a rate may be old.
    stale
        Hours that a kept copy of a published list may be old where the address cannot be reached.
    time_limit
        Seconds that the search may take; then the best so far is shown with its gap.
    on
        The day to plan on, e.g. 2026-11-21; by default today.
    out
        Folder that receives plan.json, the report, and study files that play the plan (`backtest`, `rehearse`).
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the plan as JSON on standard output.
    """
    from tidemill.app.plan_command import Listing, Wanted  # noqa: PLC0415
    from tidemill.app.plan_command import plan as command  # noqa: PLC0415

    listing = Listing(listed, from_, networks or [], min_tvl, min_days, most, proof, stale, max_age, offer or [])
    wanted = Wanted(have, horizon, risk, price or [], cost or [], cap or [], liquid, reach, least, time_limit, on)
    return command(listing, wanted, out, formats, as_json=json)


@app.command
def stress(
    study: Path,
    *,
    worlds: Annotated[int | None, Parameter(name=["--worlds", "--paths"])] = None,
    model: Literal["gbm", "jump", "bootstrap", "garch", "regime"] = "bootstrap",
    shock: Annotated[list[str] | None, Parameter(name=["--shock", "-s"], negative="", consume_multiple=True)] = None,
    days: int | None = None,
    tier: Literal["markets", "exact", "fast"] = "markets",
    fast: Annotated[bool, Parameter(negative="")] = False,
    history: Path | None = None,
    correlation: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    draws: Literal["plain", "pairs", "even"] = "plain",
    jobs: int = 2,
    on: str = "",
    resume: Annotated[bool, Parameter(negative="")] = False,
    out: Out = Path("out"),
    formats: Formats = ("html",),
    json: Json = False,
) -> int:
    """Run a study in many simulated futures: what you would keep, how likely a loss is, and what causes it.

    Example: `tidemill stress examples/range_reset.toml --worlds 50 --days 14 --shock crash:30`
    Example: `tidemill stress examples/farm_compound.toml --paths 10000 --fast --shock reward:90,crash:30`
    Example: `tidemill stress examples/staked_range.toml --worlds 20 --days 14 --shock sequencer:48,exploit:40`

    Parameters
    ----------
    study
        The study file (TOML).
    worlds
        How many futures: 100, with kernels 1,000 (`exact`) or 10,000 (`fast`).
    model
        How the price moves, fitted to the study's own history: `gbm`, `jump`, `bootstrap` (the history's returns in
        blocks), `garch` or `regime` (calm and wild; these two need the extra `stress`). Fewer than 200 looks get `gbm`, and
        a note that says so; `garch` and `regime` need 1,000.
    shock
        What happens beside, several with commas: `crash:30` (percent), `depeg:12`, `depeg:usdc2023`, `bridge:60`, `fees:10`
        (times), `l1:1280`, `price:TOKEN:-90`, `sandwich` or `sandwich:50` (basis points), `reward:90`, `sequencer:12` (hours),
        `frozen:7` (days), `exploit:40` (percent).
    days
        Length of each future; by default as long as the history, with kernels a year.
    tier
        `markets`: whole markets, event by event. `exact`: drawn hours through integer kernels. `fast`: the same in floats,
        with the error of that. Kernels play range_reset, leveraged_staking and farm_compound.
    fast
        The same as `--tier fast`.
    history
        A table of prices (CSV or Parquet) to fit the kernels' models to, several prices together.
    correlation
        Of two tokens whose prices are drawn together, e.g. `WETH:SUSHI:0.6` (kernels, without a table).
    draws
        How kernels' futures are drawn: each by itself (`plain`), every second one mirrored (`pairs`), or `gbm` moves spread
        evenly (`even`). The mean is by control variates in each case.
    jobs
        Processes to play on; the result is the same for any number.
    on
        Play on a Ray cluster instead: `ray` (one started here, or that of RAY_ADDRESS), or `ray://HOST:PORT`.
    resume
        Go on with an interrupted stress of the same study.
    out
        Folder that receives a folder per study, with stress.json, futures.csv and the report.
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the result as JSON on standard output.
    """
    from tidemill.app.stress_command import stress as command  # noqa: PLC0415

    how = "fast" if fast else tier
    count = worlds if worlds is not None else {"markets": 100, "exact": 1_000, "fast": 10_000}[how]
    more = how, history, correlation or [], draws
    return command(study, count, model, shock or [], days, jobs, on, out, formats, *more, resume=resume, as_json=json)


@app.command
def statement(
    *,
    address: str = "",
    token_id: Annotated[list[int] | None, Parameter(name="--token-id", negative="")] = None,
    from_: Annotated[str, Parameter(name="--from")] = "",
    to: str = "latest",
    rpc: str = "",
    logs: Annotated[list[Path] | None, Parameter(name="--logs", negative="", consume_multiple=True)] = None,
    network: str = "",
    at: Annotated[list[str] | None, Parameter(name="--at", negative="")] = None,
    find: Annotated[bool, Parameter(negative="")] = False,
    tree: Annotated[list[Path] | None, Parameter(name="--tree", negative="")] = None,
    pool: str = "",
    token0: str = "",
    token1: str = "",
    fee: int = 0,
    tick_spacing: int = 0,
    home: str = "",
    price: Annotated[list[str] | None, Parameter(name="--price", negative="")] = None,
    samples: int = 24,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    formats: Formats = ("html",),
    json: Json = False,
) -> int:
    """State what real positions have earned, net of everything: the same waterfall as a backtest's, against holding.

    Example: `tidemill statement --address 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --from 2026-01-01 --rpc https://…`

    Parameters
    ----------
    address
        Whose positions; all that are found at the venues that can be read back.
    token_id
        Position tokens of Uniswap v3, whoever owns them; with `--address` these of that account.
    from_
        Start: a block, or a moment (2026-01-01, 2026-01-01T12:00:00Z); default: the first block.
    to
        End, likewise; what is still open is valued there.
    rpc
        Endpoint to read from (http(s)://… or the path of a local socket); needs the state of old blocks.
    logs
        Instead: files of raw logs of one pool and of the position manager (Parquet or CSV), or a dataset's folder. What
        logs do not show is said, never guessed.
    network
        The network that the endpoint must be on, or where the logs were recorded.
    at
        Contracts beside those known, as KIND=0x…: the position manager of Uniswap v3, a pair, a vault, a farm, a chef,
        a pool of Aave, Morpho Blue, a vote escrow or its distributor, a campaign's distributor, a v3
        staker.
    find
        Look for further pairs, vaults, farms, chefs and lending markets by their events that name the account. The
        endpoint must answer for logs of any contract.
    tree
        What a reward campaign published, as JSON: a list of [account, token, cumulative amount]. Without the tree behind
        the root in force, what could still be claimed is not read.
    pool
        With logs of several pools: the address of the one that matters.
    token0
        With logs of a pool: symbol and decimals of its token0, e.g. USDC:6.
    token1
        The same of token1, e.g. WETH:18.
    fee
        With logs of a pool: its fee in millionths, e.g. 500 for 0.05 %.
    tick_spacing
        With logs of a pool: its tick spacing.
    home
        The asset to count in; default: what the first pool found prices its token0 in.
    price
        Price of a token that no venue here prices, as SYMBOL=1.23, in the home asset.
    samples
        Moments in between to value everything at, for the curves.
    out
        Folder that receives the report (and one for each position), statement.json and ledger.parquet; default: none.
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the documents as JSON on standard output: `total`, and `positions` by name.
    """
    from tidemill.app.held import Wanted  # noqa: PLC0415
    from tidemill.app.held import statement as command  # noqa: PLC0415

    wanted = Wanted(
        address=address,
        token_ids=tuple(token_id or ()),
        start=from_,
        end=to,
        rpc=rpc,
        logs=tuple(logs or ()),
        network=network,
        at=tuple(at or ()),
        find=find,
        trees=tuple(tree or ()),
        pool=(pool, token0, token1, fee, tick_spacing),
        home=home,
        price=tuple(price or ()),
        samples=samples,
    )
    return command(wanted, out, formats, as_json=json)


@app.command
def watch(
    study: Path | None = None,
    *,
    address: str = "",
    token_id: Annotated[list[int] | None, Parameter(name="--token-id", negative="")] = None,
    rpc: str = "",
    network: str = "",
    at: Annotated[list[str] | None, Parameter(name="--at", negative="")] = None,
    from_: Annotated[str, Parameter(name="--from")] = "",
    health: str = "",
    rate_below: str = "",
    peg: Annotated[list[str] | None, Parameter(name="--peg", negative="")] = None,
    claim: int | None = None,
    once: Annotated[bool, Parameter(negative="")] = False,
    every: int = 60,
    webhook: Annotated[list[str] | None, Parameter(name="--webhook", negative="")] = None,
    notify: Annotated[list[str] | None, Parameter(name="--notify", negative="")] = None,
    state: Path | None = None,
    json: Json = False,
) -> int:
    """Say when something happens to real positions that would change the plan: out of range, unsafe debt, depeg, rate gone.

    Example: `tidemill watch --address 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --rpc https://… --once`

    Parameters
    ----------
    study
        A study whose network, families of venues there and guard on a health factor are meant, e.g. the plan's.
    address
        Whose positions; all that are found at the venues that can be read back.
    token_id
        Position tokens of Uniswap v3, whoever owns them.
    rpc
        Endpoint to read from (http(s)://… or the path of a local socket).
    network
        The network that the endpoint must be on.
    at
        Contracts beside those known, as KIND=0x… (as for `statement`).
    from_
        Block from which on positions are looked for by logs; default: the first of a chain of up to a million blocks, else
        the newest.
    health
        Tell of a health factor below this; default 1.25, or the study's guard.
    rate_below
        Tell of a rate below so many percent a year; default: of one that has paid and pays nothing any more.
    peg
        Tell when TOKEN is further from QUOTE, e.g. WSTETH=WETH:2%; dollar tokens are watched within 1 % where an oracle
        prices them.
    claim
        Tell when what can be claimed is worth so many times what claiming costs; default 3.
    once
        Look once: exit code 0 nothing, 3 something holds, 2 it could not be looked.
    every
        Seconds between two looks.
    webhook
        Address that is sent each change as JSON.
    notify
        Address of the package Apprise: desktop, e-mail, chat (needs `tidemill[watch]`).
    state
        File that remembers what has been told; default: in the user's cache.
    json
        Print each change as a line of JSON on standard output.
    """
    from tidemill.app.watch_command import Options  # noqa: PLC0415
    from tidemill.app.watch_command import watch as command  # noqa: PLC0415

    lists = token_id or [], rpc, network, at or [], from_, health, rate_below, peg or [], claim
    options = Options(study, address, *lists, once, every, webhook or [], notify or [], state)
    return command(options, as_json=json)


@app.command
def risk(
    *ids: str,
    why: Annotated[bool, Parameter(negative="")] = False,
    parts: str = "",
    amount: str = "",
    on: str = "",
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    formats: Formats = ("html",),
    json: Json = False,
) -> int:
    """Estimate what a year may take: expected loss by cause, from dated facts and published base rates, and a letter.

    An estimate, not a promise. What is unknown widens the interval and is never taken as safe.

    Example: `tidemill risk aave_v3@base --why`

    Parameters
    ----------
    ids
        A network (`op-mainnet`), a kind of venue on one (`aave_v3@base`), or a study file; several are one portfolio, in
        which a shock that they share strikes all of them at once.
    why
        Show every number's fact, date and source.
    parts
        How a portfolio's money is parted, as whole numbers in the order of the ids: 3,1; default: equally.
    amount
        Money at stake: its expected loss is shown as well, rounded up.
    on
        As of this day (2026-11-21); default: today.
    out
        Folder that receives risk.json and the report; default: none.
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the assessment as JSON on standard output.
    """
    from tidemill.app.risk_command import risk as command  # noqa: PLC0415

    return command(ids, parts, on, amount, out, formats, why=why, as_json=json)


@app.command
def exits(
    *,
    from_: Annotated[str, Parameter(name="--from")],
    to: Annotated[list[str] | None, Parameter(name="--to", negative="")] = None,
    amount: str,
    on: str = "",
    gas_price: Annotated[list[str] | None, Parameter(name="--gas-price", negative="")] = None,
    blob_gas_price: str = "",
    bridge_fee_bps: int | None = None,
    bridge_pool: str = "",
    filled: Annotated[list[str] | None, Parameter(name="--filled", negative="")] = None,
    price: Annotated[list[str] | None, Parameter(name="--price", negative="")] = None,
    gas: Annotated[list[str] | None, Parameter(name="--gas", negative="")] = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    formats: Formats = ("html",),
    json: Json = False,
) -> int:
    """Compare the ways out of a network or between two: cost, expected and worst time, dated steps, gas to keep on Ethereum.

    Ends with 1 where every way is blocked or none is described. What is not known stays unknown in the sums.

    Example: `tidemill exits --from op-mainnet --to base --amount "10000 USDC" --on 2026-11-21 --gas-price 5 --price ETH=3000`

    Parameters
    ----------
    from_
        The network where the money is.
    to
        Where it shall be; several are compared. Default: ethereum.
    amount
        Amount and token, as "10000 USDC"; decimals after a colon where the token is not known here, as "5 FOO:18".
    on
        The day or moment of the first step (2026-11-21, 2026-11-21T12:00:00Z); default: now.
    gas_price
        Gas price of Ethereum in gwei; NETWORK=PRICE for another network's. May be given several times.
    blob_gas_price
        Price of blob gas in gwei, for the data fee of rollups.
    bridge_fee_bps
        What a liquidity bridge quotes, in basis points of the amount; without it that cost is unknown.
    bridge_pool
        What lies in the bridge's pool and what is out of it, in whole tokens, as 600000/400000: its fee by the rule.
    filled
        How soon the bridge fills, as 90%=30 (so many of all transfers within so many seconds); several make a distribution.
    price
        Price of a native token in the token that is moved, as ETH=3000; without it gas is not summed with fees.
    gas
        Gas of one of your own steps, as execute=120000, where nobody has measured it or you know better.
    out
        Folder that receives exits.json and the report; default: none.
    formats
        What the report is written as: `html` (one file), `md`, `pdf` (printed by Chromium); `json` alone: no report.
    json
        Print the plans as JSON on standard output.
    """
    from tidemill.app.exits import Wanted  # noqa: PLC0415
    from tidemill.app.exits import exits as command  # noqa: PLC0415

    wanted = Wanted(
        source=from_,
        targets=tuple(to or ["ethereum"]),
        amount=amount,
        on=on,
        gas_price=tuple(gas_price or ()),
        blob_gas_price=blob_gas_price,
        bridge_fee_bps=bridge_fee_bps,
        price=tuple(price or ()),
        gas=tuple(gas or ()),
        bridge_pool=bridge_pool,
        filled=tuple(filled or ()),
    )
    return command(wanted, out, formats, as_json=json)


@contracts.command(name="fetch")
def contracts_fetch(*names: str, json: Json = False) -> int:
    """Fetch pinned packages (contracts, local chain), check their sha256, keep the few files needed.

    Example: `tidemill contracts fetch`

    Parameters
    ----------
    names
        Packages to fetch; default: all of the catalogue.
    json
        Print the rows as JSON on standard output.
    """
    from tidemill.app.commands import contracts_fetch as command  # noqa: PLC0415

    return command(list(names), as_json=json)


@contracts.command(name="ls")
def contracts_ls(*, json: Json = False) -> int:
    """List artefacts by package, version, sha256 and licence, and whether they are in the cache.

    Example: `tidemill contracts ls`

    Parameters
    ----------
    json
        Print the rows as JSON on standard output.
    """
    from tidemill.app.commands import contracts_ls as command  # noqa: PLC0415

    return command(as_json=json)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
