"""What the distributor speaks, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidemill.errors import UnknownName
from tidemill.venues.merkle_campaign.state import CampaignState, address_of

__all__ = ["DISTRIBUTOR", "NOBODY", "PAID", "CampaignDeployment"]

NOBODY = "0x" + "00" * 20

DISTRIBUTOR = """
event RootSubmitted(bytes32 root, uint256 activeAt)
event Disputed(address indexed disputer)
event Resolved(bool valid)
event Claimed(address indexed account, address indexed token, uint256 amount)
event Recovered(address indexed token, uint256 amount)
function submit(bytes32 next)
function dispute()
function resolve(bool valid)
function claim(address account, address token, uint256 cumulative, bytes32[] proof) returns (uint256)
function recover(address token, address to, uint256 amount)
function root() view returns (bytes32)
function lastRoot() view returns (bytes32)
function nextRoot() view returns (bytes32)
function activeAt() view returns (uint256)
function disputer() view returns (address)
function claimed(address account, address token) view returns (uint256)
function delay() view returns (uint256)
function bond() view returns (uint256)
"""

PAID = """
function transfer(address target, uint256 amount) returns (bool)
"""


class CampaignDeployment(Struct, frozen=True):
    """Where a distributor stands (lower-case addresses), and what is published beside it.

    Parameters
    ----------
    tokens : addresses by id. archive : trees, the addresses of who is in them, own token and bond, as the model has them;
    the epoch of every root that may come is filled in.
    """

    distributor: str
    tokens: Mapping[str, str]
    archive: CampaignState

    def token(self, name: str) -> str:
        """Return a token's address by its id; raises ``UnknownName``."""
        if name not in self.tokens:
            raise UnknownName("token of the campaign", name, self.tokens, field="token")
        return self.tokens[name]

    def address(self, who: str) -> str:
        """Return the address of a person named; an address is itself."""
        return self.archive.people.get(who) or address_of(who)
