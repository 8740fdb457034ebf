"""An ERC-4626 vault that lends its asset in several Morpho Blue markets."""
