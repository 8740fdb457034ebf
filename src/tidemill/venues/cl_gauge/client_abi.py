# ruff: noqa: E501  one declaration, one line
"""What the staker and the position manager beside it speak, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from tidemill.errors import UnknownName
from tidemill.venues.cl_gauge.state import Key

__all__ = ["MANAGER", "NOBODY", "STAKER", "GaugeDeployment"]

NOBODY = "0x" + "00" * 20

_KEY = "(address rewardToken, address pool, uint256 startTime, uint256 endTime, address refundee) key"

STAKER = f"""
event IncentiveCreated(address indexed rewardToken, address indexed pool, uint256 startTime, uint256 endTime, address refundee, uint256 reward)
event IncentiveEnded(bytes32 indexed incentiveId, uint256 refund)
event DepositTransferred(uint256 indexed tokenId, address indexed oldOwner, address indexed newOwner)
event TokenStaked(uint256 indexed tokenId, bytes32 indexed incentiveId, uint128 liquidity)
event TokenUnstaked(uint256 indexed tokenId, bytes32 indexed incentiveId)
event RewardClaimed(address indexed to, uint256 reward)
function createIncentive({_KEY}, uint256 reward)
function endIncentive({_KEY}) returns (uint256 refund)
function stakeToken({_KEY}, uint256 tokenId)
function unstakeToken({_KEY}, uint256 tokenId)
function claimReward(address rewardToken, address to, uint256 amountRequested) returns (uint256 reward)
function withdrawToken(uint256 tokenId, address to, bytes data)
function transferDeposit(uint256 tokenId, address to)
function multicall(bytes[] data) payable returns (bytes[] results)
function factory() view returns (address)
function nonfungiblePositionManager() view returns (address)
function maxIncentiveDuration() view returns (uint256)
function incentives(bytes32 id) view returns (uint256 totalRewardUnclaimed, uint160 totalSecondsClaimedX128, uint96 numberOfStakes)
function deposits(uint256 tokenId) view returns (address owner, uint48 numberOfStakes, int24 tickLower, int24 tickUpper)
function stakes(uint256 tokenId, bytes32 incentiveId) view returns (uint160 secondsPerLiquidityInsideInitialX128, uint128 liquidity)
function rewards(address token, address owner) view returns (uint256)
function getRewardInfo({_KEY}, uint256 tokenId) view returns (uint256 reward, uint160 secondsInsideX128)
"""

MANAGER = """
function safeTransferFrom(address from, address to, uint256 tokenId, bytes data)
function factory() view returns (address)
"""


class GaugeDeployment(Struct, frozen=True):
    """Where a staker, its pool and the manager stand (lower-case addresses), and how tidemill names what is around.

    Parameters
    ----------
    own : the incentive that verbs mean which name none, in tidemill's names. tokens : addresses by id.
    people : addresses by name.
    """

    staker: str
    manager: str
    pool: str
    own: Key
    tokens: Mapping[str, str]
    people: Mapping[str, str] = field(default_factory=dict)

    def token(self, name: str) -> str:
        """Return a token's address by its id; raises ``UnknownName``."""
        if name not in self.tokens:
            raise UnknownName("token of the gauge", name, self.tokens, field="reward")
        return self.tokens[name]

    def address(self, who: str) -> str:
        """Return the address of a person named, or of the pool by its id; an address is itself."""
        if who == self.own.pool:
            return self.pool
        return NOBODY if who == "zero" else self.people.get(who, who)

    def on_chain(self, key: Key) -> tuple[str, str, int, int, str]:
        """Return an incentive as the contract takes it."""
        return self.token(key.reward), self.address(key.pool), key.start, key.end, self.address(key.refundee)
