"""Real SPICE viewers against our server: what they show, what they send, what they survive."""
