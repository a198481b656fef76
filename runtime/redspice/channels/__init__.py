"""The server's behaviour on each type of channel, one module per type."""
