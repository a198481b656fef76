"""SASL: viewers prove who they are with a user name.

stage        the dialogue on the wire
mechanisms   which ways there are, and over which transport each is offered
mechanism    what every way is to the dialogue
scram        SCRAM-SHA-256 and SCRAM-SHA-1: the password never travels
simple       PLAIN: the password travels, inside TLS; EXTERNAL: TLS knows the viewer already
users        who is known, and the secrets that are kept instead of passwords
user_file    users in a file, as a server and the command use it
user_table   the text of that file
"""

from redspice.sasl.user_file import UserFile
from redspice.sasl.users import ScramSecret, Users

__all__ = ["ScramSecret", "UserFile", "Users"]
