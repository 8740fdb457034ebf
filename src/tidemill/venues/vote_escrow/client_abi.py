"""What of escrow and distributor the client speaks, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidemill.chain.rpc import Rpc
from tidemill.errors import BadInput
from tidemill.venues.shared.client_parts import ask

__all__ = ["DIVIDENDS", "ESCROW", "PAID", "EscrowDeployment"]

ESCROW = """
event Deposit(address indexed provider, uint256 value, uint256 indexed locktime, int128 type, uint256 ts)
event Withdraw(address indexed provider, uint256 value, uint256 ts)
event Supply(uint256 prevSupply, uint256 supply)
function create_lock(uint256 value, uint256 unlock_time)
function increase_amount(uint256 value)
function increase_unlock_time(uint256 unlock_time)
function deposit_for(address user, uint256 value)
function withdraw()
function checkpoint()
function commit_smart_wallet_checker(address checker)
function apply_smart_wallet_checker()
function token() view returns (address)
function admin() view returns (address)
function supply() view returns (uint256)
function epoch() view returns (uint256)
function locked(address user) view returns (int128, uint256)
function locked__end(address user) view returns (uint256)
function balanceOf(address user, uint256 time) view returns (uint256)
function totalSupply(uint256 time) view returns (uint256)
function balanceOfAt(address user, uint256 block) view returns (uint256)
function totalSupplyAt(uint256 block) view returns (uint256)
function point_history(uint256 epoch) view returns (int128, int128, uint256, uint256)
function user_point_epoch(address user) view returns (uint256)
function user_point_history(address user, uint256 number) view returns (int128, int128, uint256, uint256)
function user_point_history__ts(address user, uint256 number) view returns (uint256)
function get_last_user_slope(address user) view returns (int128)
function slope_changes(uint256 week) view returns (int128)
function smart_wallet_checker() view returns (address)
function future_smart_wallet_checker() view returns (address)
"""

DIVIDENDS = """
event CheckpointToken(uint256 time, uint256 tokens)
event Claimed(address indexed recipient, uint256 amount, uint256 claim_until)
function checkpoint_token()
function claim(address user) returns (uint256)
function ESCROW() view returns (address)
function TOKEN() view returns (address)
function start_time() view returns (uint256)
function last_token_time() view returns (uint256)
function token_last_balance() view returns (uint256)
function tokens_per_week(uint256 week) view returns (uint256)
function time_cursor_of(address user) view returns (uint256)
"""

PAID = """
event Transfer(address indexed source, address indexed target, uint256 amount)
function transfer(address target, uint256 amount) returns (bool)
"""


class EscrowDeployment(Struct, frozen=True):
    """Where an escrow, its distributor and their tokens stand (lower-case addresses), and how tidemill names the tokens.

    Without a distributor ``dividends``, ``paid`` and ``paid_id`` are empty.
    """

    escrow: str
    dividends: str
    token: str
    paid: str
    token_id: str
    paid_id: str

    @classmethod
    def of(cls, rpc: Rpc, escrow: str, dividends: str, *, token_id: str, paid_id: str) -> EscrowDeployment:
        """Ask both for their tokens; raises ``RpcError`` where one is no such contract."""
        (token,) = ask(rpc, escrow, ESCROW, "token", (), "latest")
        (paid,) = ask(rpc, dividends, DIVIDENDS, "TOKEN", (), "latest") if dividends else ("",)
        return cls(escrow.lower(), dividends.lower(), token, paid, token_id, paid_id)

    def address(self, token: str) -> str:
        """Return a token's address by its id; raises ``BadInput``."""
        known: Mapping[str, str] = {self.token_id: self.token, self.paid_id: self.paid}
        if token not in known:
            raise BadInput(f"token {token!r} is not of the escrow; it has {' and '.join(known)}")
        return known[token]
