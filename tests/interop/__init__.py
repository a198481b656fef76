"""Real SPICE viewers against our server: what they show, what they send, what they survive."""

import pytest

# Before they are imported: their assertions are to explain themselves too.
for name in ("bad_peer", "command", "embedded", "gtk_viewer", "pictures", "record", "screenshot"):
    pytest.register_assert_rewrite(f"interop.{name}")
