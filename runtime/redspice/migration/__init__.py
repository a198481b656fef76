"""Moving viewers to another server.

`source` lets viewers go, `target` takes them in; `departure` and `arrival` are the same for one
channel of one viewer. What a channel hands over is in `data`, how it is laid out in `layouts`.

    ProtocolError
    └── MigrateDataError    what another server hands over cannot be read
"""

from redspice.migration.errors import MigrateDataError

__all__ = ["MigrateDataError"]
