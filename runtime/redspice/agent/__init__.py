"""The agent: a program in the guest that shares clipboard, files, screen sizes and pointer.

Viewers and agent talk to each other through the server, which only passes on what they say
(`relay`), leaves out what its operator has turned off (`filter`, `capabilities`), and says a few
things to the agent itself (`messages`).

    PeerError
    └── AgentError    an agent message that is not one; `.reason` says where and what
"""

from redspice.agent.errors import AgentError

__all__ = ["AgentError"]
