"""What an OP chain's header says of its fee rule: since Holocene in ``extraData``, since Jovian with a floor too."""

from __future__ import annotations

from msgspec import Struct

from tidemill.errors import BadInput

__all__ = ["HeaderParameters", "header_parameters"]

_SIZES = {0: 9, 1: 17}


class HeaderParameters(Struct, frozen=True):
    """Denominator and elasticity for the next block, and the floor of its base fee (0 before Jovian)."""

    denominator: int
    elasticity: int
    min_base_fee: int = 0


def header_parameters(extra_data: bytes) -> HeaderParameters:
    """Return what a parent's ``extraData`` sets: a version byte, two words of 4 bytes and, in version 1, one of 8.

    Raises
    ------
    BadInput : an unknown version, a wrong length, or a denominator or elasticity of nothing.

    >>> header_parameters(bytes.fromhex("00000000fa00000006"))
    HeaderParameters(denominator=250, elasticity=6, min_base_fee=0)
    """
    if not extra_data or extra_data[0] not in _SIZES:
        raise BadInput(f"version {extra_data[:1].hex() or 'missing'} of extraData is unknown", field="extra_data")
    if len(extra_data) != _SIZES[extra_data[0]]:
        wanted = _SIZES[extra_data[0]]
        raise BadInput(
            f"{len(extra_data)} bytes of extraData, version {extra_data[0]} has {wanted}", field="extra_data"
        )
    denominator, elasticity = (int.from_bytes(extra_data[at : at + 4]) for at in (1, 5))
    if not denominator or not elasticity:
        raise BadInput("a denominator or elasticity of 0 in extraData", field="extra_data")
    return HeaderParameters(denominator, elasticity, int.from_bytes(extra_data[9:17]))
