"""What the chef and its rewarders speak, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from tidemill.chain.rpc import Rpc
from tidemill.errors import UnknownName
from tidemill.venues.shared.client_parts import ask

__all__ = ["CHEF", "NOBODY", "PAID", "REWARDER", "ChefDeployment"]

NOBODY = "0x" + "00" * 20

CHEF = """
event Deposit(address indexed user, uint256 indexed pid, uint256 amount, address indexed to)
event Withdraw(address indexed user, uint256 indexed pid, uint256 amount, address indexed to)
event EmergencyWithdraw(address indexed user, uint256 indexed pid, uint256 amount, address indexed to)
event Harvest(address indexed user, uint256 indexed pid, uint256 amount)
event LogPoolAddition(uint256 indexed pid, uint256 allocPoint, address indexed lpToken, address indexed rewarder)
event LogSetPool(uint256 indexed pid, uint256 allocPoint, address indexed rewarder, bool overwrite)
event LogUpdatePool(uint256 indexed pid, uint64 lastRewardTime, uint256 lpSupply, uint256 accSushiPerShare)
event LogSushiPerSecond(uint256 sushiPerSecond)
function deposit(uint256 pid, uint256 amount, address to)
function withdraw(uint256 pid, uint256 amount, address to)
function harvest(uint256 pid, address to)
function withdrawAndHarvest(uint256 pid, uint256 amount, address to)
function emergencyWithdraw(uint256 pid, address to)
function updatePool(uint256 pid)
function add(uint256 points, address token, address rewarder)
function set(uint256 pid, uint256 points, address rewarder, bool overwrite)
function setSushiPerSecond(uint256 rate)
function SUSHI() view returns (address)
function owner() view returns (address)
function poolLength() view returns (uint256)
function poolInfo(uint256 pid) view returns (uint128, uint64, uint64)
function lpToken(uint256 pid) view returns (address)
function rewarder(uint256 pid) view returns (address)
function userInfo(uint256 pid, address user) view returns (uint256, int256)
function totalAllocPoint() view returns (uint256)
function sushiPerSecond() view returns (uint256)
function pendingSushi(uint256 pid, address user) view returns (uint256)
"""

REWARDER = """
event LogOnReward(address indexed user, uint256 indexed pid, uint256 amount, address indexed to)
event LogPoolAddition(uint256 indexed pid, uint256 allocPoint)
event LogSetPool(uint256 indexed pid, uint256 allocPoint)
event LogUpdatePool(uint256 indexed pid, uint64 lastRewardTime, uint256 lpSupply, uint256 accSushiPerShare)
event LogRewardPerSecond(uint256 rewardPerSecond)
function add(uint256 points, uint256 pid)
function set(uint256 pid, uint256 points)
function setRewardPerSecond(uint256 rate)
function updatePool(uint256 pid)
function rewardPerSecond() view returns (uint256)
function poolInfo(uint256 pid) view returns (uint128, uint64, uint64)
function userInfo(uint256 pid, address user) view returns (uint256, uint256)
function pendingToken(uint256 pid, address user) view returns (uint256)
function pendingTokens(uint256 pid, address user, uint256 sushi) view returns (address[], uint256[])
"""

PAID = """
event Transfer(address indexed source, address indexed target, uint256 amount)
function transfer(address target, uint256 amount) returns (bool)
"""


class ChefDeployment(Struct, frozen=True):
    """Where a chef stands (lower-case addresses) and how tidemill names what is around it.

    Parameters
    ----------
    tokens : ids by address. rewarders : addresses by name. people : addresses by name, for ``to``.
    pid : the pool that verbs mean which name none. staked : addresses of what pools stake, as far as they are known;
    the chef is asked for the others.
    """

    chef: str
    sushi: str
    tokens: Mapping[str, str]
    rewarders: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    pid: int = 0
    staked: tuple[str, ...] = ()

    @staticmethod
    def sushi_of(rpc: Rpc, chef: str) -> str:
        """Ask a chef for its reward token; raises ``RpcError`` when it is none."""
        return str(ask(rpc, chef, CHEF, "SUSHI", (), "latest")[0])

    def token(self, name: str) -> str:
        """Return a token's address by its id; raises ``UnknownName``."""
        by_id = {token: address for address, token in self.tokens.items()}
        if name not in by_id:
            raise UnknownName("token of the chef", name, by_id, field="token")
        return by_id[name]

    def rewarder(self, name: str) -> str:
        """Return a rewarder's address by its name, nobody's for none; raises ``UnknownName``."""
        if name and name not in self.rewarders:
            raise UnknownName("rewarder of the chef", name, self.rewarders, field="rewarder")
        return self.rewarders[name] if name else NOBODY

    def name_of(self, address: str) -> str:
        """Return the name of a rewarder, nothing for another address."""
        return {at: name for name, at in self.rewarders.items()}.get(address, "")

    def address(self, who: str) -> str:
        """Return the address of a person named; an address is itself."""
        return self.people.get(who, who)
