"""An OP Stack chain's own bridge: money out in three steps on two networks, money in with one."""
