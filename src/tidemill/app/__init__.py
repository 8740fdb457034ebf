"""Command line, report and result schema: no logic that a library user would miss."""
