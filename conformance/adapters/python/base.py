"""What every module shares: the refusal, the numbers of the registries, and typed access to the members of `in`."""
import re

SAFE_INTEGER = (1 << 53) - 1
U16, U32, U64 = (1 << 16) - 1, (1 << 32) - 1, (1 << 64) - 1
HASH_BYTES = 32
TAG_BYTES = 16

_HEX = re.compile(r"(?:[0-9a-f]{2})*\Z")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,19})\Z")
_REQUIRED = object()


class Refusal(Exception):
    """An input was refused. `code` is the code that the requirement names (errors.1); `detail` is for people.

    A detail names a field, the value met and the value allowed, never bytes of a payload or of a key (errors.5).
    """

    def __init__(self, code, detail):
        super().__init__(code + ": " + detail)
        self.code = code
        self.detail = detail


def check(condition, code, detail):
    """Refuse with `code` unless the condition holds."""
    if not condition:
        raise Refusal(code, detail)


def usage(condition, detail):
    """The caller's own mistake (chapter 14, E_USAGE)."""
    check(condition, "E_USAGE", detail)


class Members:
    """The members of one JSON object, each read as the type that the operation asks for; anything else is E_USAGE."""

    def __init__(self, value, where="in"):
        usage(isinstance(value, dict), where + ": met no object")
        self._value = value
        self._where = where

    def has(self, name):
        return name in self._value

    def _get(self, name, default):
        if name not in self._value:
            usage(default is not _REQUIRED, "%s.%s: missing" % (self._where, name))
            return default
        return self._value[name]

    def bytes(self, name, size=None, default=_REQUIRED):
        """Bytes in lower-case hex, of exactly `size` bytes when that is given."""
        if not self.has(name) and default is not _REQUIRED:
            return default
        return to_bytes(self._get(name, default), self._where + "." + name, size)

    def int(self, name, high, low=0, default=_REQUIRED):
        """An integer, or its decimal string."""
        value = self._get(name, default)
        if isinstance(value, str) and _DECIMAL.match(value):
            value = int(value)
        where = self._where + "." + name
        usage(isinstance(value, int) and not isinstance(value, bool), where + ": met no integer")
        usage(low <= value <= high, "%s: met a number outside %d to %d" % (where, low, high))
        return value

    def flag(self, name, default=_REQUIRED):
        value = self._get(name, default)
        usage(isinstance(value, bool), "%s.%s: met no boolean" % (self._where, name))
        return value

    def text(self, name):
        value = self._get(name, _REQUIRED)
        usage(isinstance(value, str), "%s.%s: met no text" % (self._where, name))
        return value

    def object(self, name):
        return Members(self._get(name, _REQUIRED), self._where + "." + name)

    def list(self, name, default=_REQUIRED):
        value = self._get(name, default)
        usage(isinstance(value, list), "%s.%s: met no list" % (self._where, name))
        return value

    def objects(self, name, default=_REQUIRED):
        return [Members(v, "%s.%s[%d]" % (self._where, name, i)) for i, v in enumerate(self.list(name, default))]

    def bytes_list(self, name, size=None):
        return [to_bytes(v, "%s.%s[%d]" % (self._where, name, i), size) for i, v in enumerate(self.list(name))]


def to_bytes(value, where, size=None):
    """Bytes from lower-case hex."""
    usage(isinstance(value, str) and _HEX.match(value), where + ": met no lower-case hex")
    usage(size is None or len(value) == 2 * size, "%s: met %d bytes, allowed %s" % (where, len(value) // 2, size))
    return bytes.fromhex(value)
