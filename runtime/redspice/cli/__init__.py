"""The `redspice` command."""
