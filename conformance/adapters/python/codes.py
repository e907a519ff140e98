"""Chapter 14: the codes, and what a peer gets in place of each (errors.3)."""
from base import usage

_SAME = "E_LENGTH E_LIMIT E_ENCODING E_VERSION E_SUITE E_EXT E_REFUSED E_CLOSED"
_REFUSED = ("E_EPOCH E_SENDER E_POLICY E_EXPIRED E_FUTURE E_REPLAY E_TOO_OLD E_FORK E_REPLAY_STATE E_KEY E_SIG E_PROOF "
            "E_COMMIT E_AEAD E_STALE E_REVOKED E_BINDING E_HANDSHAKE")
_NEVER = "E_TRANSPORT E_USAGE E_INTERNAL"

OUTWARD = {code: code for code in _SAME.split()}
OUTWARD.update({code: "E_REFUSED" for code in _REFUSED.split()})
OUTWARD.update({code: None for code in _NEVER.split()})


def outward(code):
    """The code that a peer gets, or None for never."""
    usage(code in OUTWARD, "code: not in the registry")
    return OUTWARD[code]
