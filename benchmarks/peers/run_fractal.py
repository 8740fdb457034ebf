"""Minute bars through fractal-defi: prints seconds of its run, peak memory and fees. Run by its own interpreter."""

from __future__ import annotations

import csv
import json
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fractal.core.base import Action, ActionToTake, BaseStrategy, BaseStrategyParams, NamedEntity, Observation
from fractal.core.entities import UniswapV3LPConfig, UniswapV3LPEntity, UniswapV3LPGlobalState
from peak_memory import peak_kb

FEE, WIDE, WEEK = 0.0005, 950, 10_080


@dataclass
class Params(BaseStrategyParams):
    """Decimals of both tokens."""

    decimals: tuple[int, int]


class Weekly(BaseStrategy[Params]):
    """A range of 950 ticks to both sides, set anew every week."""

    bar = 0

    def set_up(self) -> None:
        """One pool."""
        zero, one = self._params.decimals
        config = UniswapV3LPConfig(pool_fee_rate=FEE, token0_decimals=zero, token1_decimals=one)
        self.register_entity(NamedEntity(entity_name="lp", entity=UniswapV3LPEntity(config)))

    def predict(self) -> list[ActionToTake]:
        """Leave, enter around the price with everything."""
        self.bar += 1
        lp = self.get_entity("lp")
        todo: list[tuple[str, dict[str, Any]]] = []
        if self.bar == 1:
            todo.append(("deposit", {"amount_in_notional": 10_000.0}))
        elif self.bar % WEEK == 0:
            todo.append(("close_position", {}))
        if todo:
            price = lp.global_state.price
            bounds = {"price_lower": price * 1.0001**-WIDE, "price_upper": price * 1.0001**WIDE}
            todo.append(
                ("open_position", {"amount_in_notional": lambda s: s.get_entity("lp").internal_state.cash, **bounds})
            )
        return [ActionToTake(entity_name="lp", action=Action(action=name, args=args)) for name, args in todo]


class Held(Weekly):
    """Only what was opened before the first bar."""

    def predict(self) -> list[ActionToTake]:
        """Do nothing."""
        return []


def observations(path: Path, decimals: list[int]) -> list[Observation]:
    """Read bars: price in token0 per token1, fees in token0 at the first bar's price (both tools then value alike)."""
    out, first = [], None
    with path.open() as file:
        for row in csv.DictReader(file):
            price = 1.0001 ** -int(row["closeTick"]) * 10.0 ** (decimals[1] - decimals[0])
            first = first or 1.0001 ** -int(row["openTick"]) * 10.0 ** (decimals[1] - decimals[0])
            taken = int(row["inAmount0"]) / 10 ** decimals[0] + int(row["inAmount1"]) / 10 ** decimals[1] * first
            state = UniswapV3LPGlobalState(
                price=price, tvl=0.0, volume=taken, fees=taken * FEE, liquidity=int(row["currentLiquidity"])
            )
            out.append(Observation(timestamp=datetime.fromisoformat(row["timestamp"]), states={"lp": state}))
    return out


def main(kind: str, folder: Path) -> None:
    """Run one kind of work."""
    given = json.loads((folder / f"{kind}.json").read_text())
    seen = observations(folder / f"{kind}.csv", given["decimals"])
    answer: dict[str, Any] = {"seconds": 0.0}
    if kind == "year":
        strategy = Weekly(params=Params(tuple(given["decimals"])))
        began = time.process_time()
        strategy.run(seen)
        answer["seconds"] = time.process_time() - began
    else:
        answer["fees"] = []
        for lower, upper, liquidity in given["own"]:
            strategy = Held(params=Params(tuple(given["decimals"])))
            lp = strategy.get_entity("lp")
            lp.update_state(UniswapV3LPGlobalState(price=1.0, tvl=0.0, volume=0.0, fees=0.0, liquidity=1))
            amounts = [liquidity * (1 - 1.0001 ** (-width / 2)) / 1e18 for width in (upper, -lower)]
            lp._open_from_pair(*amounts, 1.0001**-upper, 1.0001**-lower)  # noqa: SLF001 - the one way in without a swap
            began = time.process_time()
            strategy.run(seen)
            answer["seconds"] += time.process_time() - began
            answer["fees"].append(int(lp.internal_state.cash * 1e18))
    print(json.dumps({**answer, "peak_kb": peak_kb()}))


main(sys.argv[1], Path(sys.argv[2]))
