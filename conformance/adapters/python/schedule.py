"""Chapter 06: key ids, labelled expansion and the key schedule of the record layer; SIGIN of chapter 03."""
import hmac
import struct
from hashlib import sha256

from base import HASH_BYTES, check, usage
from envelope import EXT_COMMIT, EXT_MERKLE, EXT_ROUTING, HEADER, SUITES, walk_extensions

ED25519, X25519 = 0x0001, 0x0020
P = 2 ** 255 - 19
# The y of a point of order 8 solves d*y^4 + 2*y^2 = 1: doubling it gives y = 0, that is x^2 = -y^2, put into the curve.
_ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER_Y = frozenset([0, 1, P - 1, _ORDER_8, P - _ORDER_8])
HASH_LABELS = {"keyId": b"tdc1 keyid\0", "id": b"tdc1 id\0", "recordCommit": b"tdc1 rc\0"}


def hash_of(*parts):
    return sha256(b"".join(parts)).digest()


def mac(key, message):
    return hmac.new(key, message, sha256).digest()


def hkdf_extract(salt, ikm):
    """RFC 5869 2.2."""
    return mac(salt, ikm)


def hkdf_expand(prk, info, length):
    """RFC 5869 2.3."""
    usage(length <= 255 * HASH_BYTES, "length: met %d, allowed %d" % (length, 255 * HASH_BYTES))
    out, block = b"", b""
    for i in range(-(-length // HASH_BYTES)):
        block = mac(prk, block + info + bytes([i + 1]))
        out += block
    return out[:length]


def xp(secret, label, context, length):
    """The labelled expansion XP (suites.9)."""
    usage(len(secret) == 32, "secret: met %d bytes, allowed 32" % len(secret))
    usage(label.isascii() and len(label) <= 250, "label: allowed 0 to 250 ASCII characters")
    text = b"tdc1 " + label.encode()
    info = struct.pack(">HB", length, len(text)) + text + bytes([HASH_BYTES]) + hash_of(context)
    return hkdf_expand(secret, info, length)


def key_id(alg, public_key):
    """key_id32, of a canonical key only (suites.4)."""
    check(alg in (ED25519, X25519), "E_KEY", "alg: met 0x%04x, allowed 0x0001 or 0x0020" % alg)
    check(len(public_key) == 32, "E_KEY", "publicKey: met %d bytes, allowed 32" % len(public_key))
    number = int.from_bytes(public_key, "little")
    if alg == ED25519:
        y = number & (1 << 255) - 1
        check(y < P, "E_KEY", "publicKey: y is not below p")
        check(y not in SMALL_ORDER_Y, "E_KEY", "publicKey: y is of small order")
    else:
        check(number < P, "E_KEY", "publicKey: u is not below p, or the top bit is set")
    return hash_of(HASH_LABELS["keyId"], struct.pack(">HH", alg, len(public_key)), public_key)


def hedge_secret(process_random, local_secret):
    return xp(hkdf_extract(process_random, local_secret), "hedge", b"", 32)


def salt(hedge, random, protected_header, bind, plaintexts):
    """salt16 (suites.10)."""
    usage(len(protected_header) >= HEADER.size, "protectedHeader: met %d bytes, allowed 96 and more" % len(protected_header))
    phs = bytearray(protected_header)
    phs[72:88] = bytes(16)
    for ext in walk_extensions(protected_header):
        if ext.number == EXT_MERKLE:
            phs[ext.at:ext.at + min(32, len(ext.value))] = bytes(min(32, len(ext.value)))
        elif ext.number == EXT_COMMIT:
            phs[ext.at:ext.at + len(ext.value)] = bytes(len(ext.value))
        elif ext.number == EXT_ROUTING:
            phs[ext.at + 4:ext.at + len(ext.value)] = bytes(max(0, len(ext.value) - 4))
    return mac(hedge, random + hash_of(phs, bind) + hash_of(*plaintexts))[:16]


def record_key(suite, source_secret, group_ctx, sender_key_id, stream_id, salt16):
    """stream_secret32, key, nonce and record_commit32."""
    check(suite in SUITES, "E_SUITE", "suite: met 0x%04x, allowed 0x0001 or 0x0002" % suite)
    stream_secret = xp(source_secret, "stream", group_ctx + sender_key_id + stream_id, 32)
    key_and_nonce = xp(stream_secret, "record", salt16, 44)
    return stream_secret, key_and_nonce[:32], key_and_nonce[32:], hash_of(HASH_LABELS["recordCommit"], key_and_nonce)


def sigin(signer_key_id, bind, protected_header, keyinfo, body):
    """SIGIN, 146 bytes, and id32 (envelope.37, suites.17). `body` is empty for a Merkle batch."""
    sign_input = b"tdc1 sig envelope\0" + signer_key_id + bind + hash_of(protected_header) + hash_of(keyinfo, body)
    return sign_input, hash_of(HASH_LABELS["id"], sign_input)
