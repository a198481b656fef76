"""Which web pages may connect: any page may try, at any address that its reader can reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

ANY_ORIGIN = "*"


class Origins:
    """The pages that are let in.

    Those of the host that they connect to, if that is an address or `localhost`, and those that are
    listed, like `https://desk.example.org`; `*` lets all in. The same name is not enough: its owner
    can point it to any address, also to one that only the reader of the page can reach. Programs
    that are no browser send no origin and are let in.
    """

    def __init__(self, listed: Iterable[str] = ()) -> None:
        self._listed = frozenset(origin.lower().rstrip("/") for origin in listed)

    def allow(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of this `Origin` may connect to what its browser calls `Host`."""
        if origin is None or ANY_ORIGIN in self._listed or origin.lower() in self._listed:
            return True
        page, server = _host_name(origin), _host_name(f"//{host}")
        return page is not None and page == server and _cannot_be_moved(page)


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # as of brackets that do not match
        return None


def _cannot_be_moved(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
