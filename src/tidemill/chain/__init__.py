"""JSON-RPC transport, ABI codec, local chain and contract artefacts; never signs or decides."""
