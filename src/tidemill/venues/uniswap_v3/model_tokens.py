"""Who holds which position token: the manager's two enumerations (ERC-721), kept for the storage words they write.

An enumeration is an array and, for each entry, its place in the array; removing an entry moves the last one into its
place. The manager keeps one of each owner's tokens and one of all tokens with their owners.
"""

from __future__ import annotations

from tidemill.venues.shared.effects import Effects
from tidemill.venues.uniswap_v3.model_state import TokenEntry, UniswapV3State

__all__ = ["add_token", "move_token", "remove_token"]

_ALL = ""


def add_token(state: UniswapV3State, effects: Effects, token_id: int, owner: str) -> None:
    """Enter a token in both enumerations."""
    manager = state.manager
    effects.count("first_of_owner", int(not manager.sizes.get(owner)))
    _add(state, owner, token_id, owner)
    if manager.elsewhere:
        effects.count("slots_set", 3)  # the entry's number, its owner, its place
        effects.count("slots_changed", 1)  # how many there are
    else:
        _add(state, _ALL, token_id, owner)


def remove_token(state: UniswapV3State, effects: Effects, token_id: int, owner: str) -> None:
    """Take a token out of both; where it is not the last, the last takes its place."""
    if _remove(state, owner, token_id):
        effects.count("own_tokens_moved")
    if state.manager.elsewhere:
        # Somebody has minted since: their token moves here, three words of it and the count change, three are cleared.
        effects.count("slots_changed", 7)
        effects.count("slots_cleared", 3)
        effects.count("tokens_moved")
    elif _remove(state, _ALL, token_id):
        effects.count("tokens_moved")


def move_token(state: UniswapV3State, token_id: int, source: str, target: str) -> None:
    """Enter a token under its next owner; its place among all stays."""
    _remove(state, source, token_id)
    _add(state, target, token_id, target)
    if not state.manager.elsewhere:
        place = "", state.manager.places["", token_id] - 1
        state.journal.put(state.manager.entries, place, TokenEntry(token_id, target))


def _add(state: UniswapV3State, group: str, token_id: int, owner: str) -> None:
    manager, journal = state.manager, state.journal
    size = manager.sizes.get(group, 0)
    journal.put(manager.entries, (group, size), TokenEntry(token_id, "" if group else owner))
    journal.put(manager.places, (group, token_id), size + 1)
    journal.put(manager.sizes, group, size + 1)


def _remove(state: UniswapV3State, group: str, token_id: int) -> bool:
    """Return whether another token had to move."""
    manager, journal = state.manager, state.journal
    place, last = manager.places[group, token_id] - 1, manager.sizes[group] - 1
    moved = manager.entries[group, last]
    journal.put(manager.entries, (group, place), moved)
    journal.put(manager.places, (group, moved.token_id), place + 1)
    journal.drop(manager.entries, (group, last))
    journal.put(manager.sizes, group, last)
    journal.drop(manager.places, (group, token_id))
    return place != last
