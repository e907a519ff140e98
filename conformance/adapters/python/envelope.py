"""Chapter 03: header, extensions, envelope and job, steps 1 to 6 of the order of checks (envelope.27)."""
import struct
from collections import namedtuple

import merkle
from base import SAFE_INTEGER, U16, U32, U64, check, usage
from codec import PLAINTEXT_BYTES, RECORDS_COUNT

ENVELOPE_BYTES = 1048576
EXTENSIONS_BYTES = 4096
EXTENSIONS_COUNT = 32
KEYINFO_BYTES = 4096
BODY_BYTES = 1040224
STREAM_SEQ = 1 << 40
SUITES = frozenset([0x0001, 0x0002])
PATTERN_KINDS = frozenset([0x20, 0x30, 0x31, 0x40, 0x50, 0x51, 0x60, 0x70, 0x71, 0x72])
BATCH, MERKLE, PADDED = 1 << 0, 1 << 1, 1 << 4

HEADER = struct.Struct(">2sBBHH16sII16s8sQQ16sHHI")
Header = namedtuple("Header", "magic version pattern_kind suite flags topic_tag epoch count sender_id stream_id seq "
                              "timestamp salt ext_len keyinfo_len body_len")
Extension = namedtuple("Extension", "number critical value at")  # at: offset of the value in PH
Parsed = namedtuple("Parsed", "header ph extensions keyinfo body signature leaves")
Job = namedtuple("Job", "header ph extensions keyinfo leaf ciphertext path signature")

EXT_MERKLE, EXT_SURVEY, EXT_PREV, EXT_EXPIRY, EXT_HEAD_SEQ, EXT_CHAIN, EXT_COMMIT, EXT_ROUTING = 1, 2, 3, 4, 8, 9, 11, 12
CRITICAL = {1: True, 2: True, 3: False, 4: True, 5: False, 6: False, 7: True, 8: False, 9: False, 10: True, 11: True,
            12: True}
VALUE_BYTES = {1: 38, 3: 32, 4: 8, 5: 16, 6: 32, 7: 16, 8: 8, 10: 16, 11: 32}
U64_AT = {EXT_SURVEY: 16, EXT_EXPIRY: 0, EXT_HEAD_SEQ: 0}


# Header

def encode_header(h):
    """Write the header as laid out (envelope.1, .2, .4, .6); what a sender must not write is E_USAGE, or E_LIMIT."""
    _check_form(h, "E_USAGE", "E_USAGE")
    usage(h.seq >= 1 and h.count >= 1, "seq %d, count %d: allowed from 1" % (h.seq, h.count))
    for name, met, limit in (("seq", h.seq, STREAM_SEQ), ("count", h.count, RECORDS_COUNT), ("timestamp", h.timestamp, SAFE_INTEGER)):
        check(met <= limit, "E_LIMIT", "%s: met %d, allowed %d" % (name, met, limit))
    _check_lengths(h)
    return HEADER.pack(*h)


def _check_form(h, suite_code, code):
    """Step 3 (envelope.33)."""
    check(h.suite in SUITES, suite_code, "suite: met 0x%04x, allowed 0x0001 or 0x0002" % h.suite)
    check(not h.flags & ~(BATCH | MERKLE | PADDED), code, "flags: met 0x%04x, reserved bits must be 0" % h.flags)
    check(h.flags & BATCH or not h.flags & (MERKLE | PADDED), code, "flags: met 0x%04x, 1 or 4 without 0" % h.flags)
    check(h.pattern_kind in PATTERN_KINDS, code, "pattern, kind: met 0x%02x, not defined" % h.pattern_kind)


def _check_lengths(h):
    """Step 4, the limits (envelope.34)."""
    for name, met, limit in (("ext_len", h.ext_len, EXTENSIONS_BYTES), ("keyinfo_len", h.keyinfo_len, KEYINFO_BYTES),
                             ("body_len", h.body_len, BODY_BYTES)):
        check(met <= limit, "E_LIMIT", "%s: met %d, allowed %d" % (name, met, limit))


def _parse_header(data, is_job):
    """Steps 1 to 4, but for the sum of the lengths."""
    check(len(data) >= 160, "E_LENGTH", "size: met %d bytes, allowed at least 160" % len(data))
    check(len(data) <= ENVELOPE_BYTES, "E_LIMIT", "size: met %d bytes, allowed %d" % (len(data), ENVELOPE_BYTES))
    h = Header._make(HEADER.unpack_from(data))
    check(h.magic == b"TD", "E_ENCODING", "magic: is not 54 44")  # envelope.32
    check(h.version == 1, "E_VERSION", "version: met %d, allowed 1" % h.version)
    _check_form(h, "E_SUITE", "E_ENCODING")
    check(h.flags & MERKLE or not is_job, "E_ENCODING", "flags: met 0x%04x, a job needs bit 1" % h.flags)  # envelope.24
    _check_lengths(h)
    return h


# Extensions

def walk_extensions(ph):
    """The extensions of a protected header, in the order met; only that they do not overrun is checked (envelope.10)."""
    at = HEADER.size
    while at < len(ph):
        check(len(ph) - at >= 4, "E_EXT", "extension at %d: ends early" % at)
        kind, size = struct.unpack_from(">HH", ph, at)
        at += 4
        check(size <= len(ph) - at, "E_EXT", "extension %d: len %d overruns ext_len" % (kind & 0x7FFF, size))
        yield Extension(kind & 0x7FFF, kind >= 0x8000, ph[at:at + size], at)
        at += size


def _parse_extensions(h, ph):
    """Step 5. Within one extension the order is that of the text after envelope.15."""
    found = []
    last = 0
    for ext in walk_extensions(ph):
        name = "extension %d" % ext.number
        check(ext.number > last, "E_EXT", "%s: after number %d" % (name, last))  # envelope.10
        check(len(found) < EXTENSIONS_COUNT, "E_LIMIT", "extensions: more than %d" % EXTENSIONS_COUNT)  # envelope.15
        last = ext.number
        found.append(ext)
        if ext.number not in CRITICAL:
            check(not ext.critical, "E_EXT", name + ": unknown and critical")  # envelope.11
            continue  # envelope.12
        check(ext.critical == CRITICAL[ext.number], "E_EXT", name + ": wrong criticality")  # envelope.13
        check(_length_fits(ext), "E_EXT", "%s: met a value of %d bytes" % (name, len(ext.value)))  # envelope.13
        check(ext.number != EXT_PREV or h.seq != 1, "E_EXT", name + ": where seq is 1")  # envelope.14
        check(ext.number != EXT_MERKLE or h.flags & MERKLE, "E_EXT", name + ": outside a Merkle batch")
        if ext.number in U64_AT:
            value, = struct.unpack_from(">Q", ext.value, U64_AT[ext.number])
            check(value <= SAFE_INTEGER, "E_LIMIT", "%s: met u64 %d, allowed 2^53-1" % (name, value))
    check(not h.flags & MERKLE or any(e.number == EXT_MERKLE for e in found), "E_EXT", "extension 1: missing")
    return found


def _length_fits(ext):
    size = len(ext.value)
    if ext.number == EXT_SURVEY:  # survey_id16, u64, u32, vec16
        return size >= 30 and size == 30 + struct.unpack_from(">H", ext.value, 28)[0]
    if ext.number == EXT_CHAIN:
        return size % 16 == 0 and 1 <= size // 16 <= 8
    if ext.number == EXT_ROUTING:  # u32, ciphertext, tag
        return 20 <= size <= 1044
    return size == VALUE_BYTES[ext.number]


# Step 6

def _check_counts(h, extensions):
    """Step 6 up to what the header alone decides. Returns leaf_count and jobs_per_leaf, 0 where there are none."""
    check(h.count != 0, "E_ENCODING", "count: met 0")  # envelope.35
    check(h.seq != 0, "E_ENCODING", "seq: met 0")
    check(h.count <= RECORDS_COUNT, "E_LIMIT", "count: met %d, allowed %d" % (h.count, RECORDS_COUNT))  # envelope.36
    check(h.seq <= STREAM_SEQ, "E_LIMIT", "seq: met %d, allowed 2^40" % h.seq)
    check(h.timestamp <= SAFE_INTEGER, "E_LIMIT", "timestamp: met %d, allowed 2^53-1" % h.timestamp)
    check(h.flags & BATCH or h.count == 1, "E_ENCODING", "count: met %d in a single, allowed 1" % h.count)
    if not h.flags & MERKLE:
        plain = h.body_len - 16
        check(plain <= PLAINTEXT_BYTES, "E_LIMIT", "plaintext: met %d bytes, allowed %d" % (plain, PLAINTEXT_BYTES))
        check(plain >= 0, "E_ENCODING", "body_len: met %d, allowed at least 16" % h.body_len)
        check(not h.flags & BATCH or plain >= 3 * h.count, "E_ENCODING", "body_len: met %d, too small" % h.body_len)
        return 0, 0
    value = next(e.value for e in extensions if e.number == EXT_MERKLE)
    leaf_count, per_leaf = struct.unpack_from(">IH", value, 32)
    limit = merkle.LEAVES_COUNT
    check(leaf_count <= limit, "E_LIMIT", "leaf_count: met %d, allowed %d" % (leaf_count, limit))
    check(per_leaf != 0, "E_ENCODING", "jobs_per_leaf: met 0")  # envelope.21
    right = -(-h.count // per_leaf)
    check(leaf_count == right, "E_ENCODING", "leaf_count: met %d, allowed %d" % (leaf_count, right))
    least = 20 * leaf_count + 3 * h.count
    check(h.body_len >= least, "E_ENCODING", "body_len: met %d, allowed at least %d" % (h.body_len, least))
    return leaf_count, per_leaf


def _records_in_leaf(h, leaf, per_leaf):
    return min(per_leaf, h.count - leaf * per_leaf)


def _check_leaf_size(h, leaf, per_leaf, ct_len):
    least = 3 * _records_in_leaf(h, leaf, per_leaf)
    check(ct_len >= least, "E_ENCODING", "ct_len of leaf %d: met %d, allowed at least %d" % (leaf, ct_len, least))


def _walk_leaves(h, body, leaf_count, per_leaf):
    """The leaves' bytes, ct and tag together: lengths first, then the sum, then each leaf (envelope.22)."""
    leaves, at = [], 0
    for leaf in range(leaf_count):
        check(len(body) - at >= 20, "E_LENGTH", "leaf %d: overruns the body" % leaf)
        ct_len, = struct.unpack_from(">I", body, at)
        check(ct_len + 20 <= len(body) - at, "E_LENGTH", "ct_len of leaf %d: met %d, overruns the body" % (leaf, ct_len))
        leaves.append(body[at + 4:at + 20 + ct_len])
        at += 20 + ct_len
    check(at == len(body), "E_LENGTH", "body: %d bytes after the last leaf" % (len(body) - at))
    total = len(body) - 20 * leaf_count
    check(total <= PLAINTEXT_BYTES, "E_LIMIT", "plaintext: met %d bytes, allowed %d" % (total, PLAINTEXT_BYTES))
    for leaf, sealed in enumerate(leaves):
        _check_leaf_size(h, leaf, per_leaf, len(sealed) - 16)
    return leaves


# Envelope and job

def parse_envelope(data):
    """Steps 1 to 6 for an envelope."""
    h = _parse_header(data, False)
    total = HEADER.size + h.ext_len + h.keyinfo_len + h.body_len + 64
    check(len(data) == total, "E_LENGTH", "size: met %d bytes, the lengths say %d" % (len(data), total))
    ph_end = HEADER.size + h.ext_len
    body_at = ph_end + h.keyinfo_len
    ph, keyinfo = data[:ph_end], data[ph_end:body_at]
    body, signature = data[body_at:-64], data[-64:]
    extensions = _parse_extensions(h, ph)
    leaf_count, per_leaf = _check_counts(h, extensions)
    leaves = _walk_leaves(h, body, leaf_count, per_leaf) if leaf_count else []
    return Parsed(h, ph, extensions, keyinfo, body, signature, leaves)


def parse_job(data):
    """Steps 1 to 6 for a job; what is after `leaf` and `path_len` is left to step 12."""
    h = _parse_header(data, True)
    ph_end = HEADER.size + h.ext_len
    leaf_at = ph_end + h.keyinfo_len
    fixed = leaf_at + 8 + 16 + 1 + 64
    check(len(data) >= fixed, "E_LENGTH", "size: met %d bytes, the fixed fields need %d" % (len(data), fixed))
    leaf, ct_len = struct.unpack_from(">II", data, leaf_at)
    check(fixed + ct_len <= len(data), "E_LENGTH", "ct_len: met %d, overruns the job" % ct_len)
    path_at = leaf_at + 8 + ct_len + 16 + 1
    total = path_at + 32 * data[path_at - 1] + 64
    check(len(data) == total, "E_LENGTH", "size: met %d bytes, the lengths say %d" % (len(data), total))
    ph = data[:ph_end]
    extensions = _parse_extensions(h, ph)
    leaf_count, per_leaf = _check_counts(h, extensions)
    check(ct_len <= PLAINTEXT_BYTES, "E_LIMIT", "ct_len: met %d, allowed %d" % (ct_len, PLAINTEXT_BYTES))
    if leaf < leaf_count:
        _check_leaf_size(h, leaf, per_leaf, ct_len)
    path = [data[at:at + 32] for at in range(path_at, len(data) - 64, 32)]
    return Job(h, ph, extensions, data[ph_end:leaf_at], leaf, data[leaf_at + 8:path_at - 1], path, data[-64:])


def split(data, leaf):
    """The job of one leaf, as a broker makes it without any key (envelope.23)."""
    e = parse_envelope(data)
    check(e.header.flags & MERKLE, "E_ENCODING", "flags: met 0x%04x, bit 1 is not set" % e.header.flags)
    check(leaf < len(e.leaves), "E_PROOF", "leaf: met %d, allowed below %d" % (leaf, len(e.leaves)))
    path = merkle.path([merkle.leaf_hash(i, sealed) for i, sealed in enumerate(e.leaves)], leaf)
    sealed = e.leaves[leaf]
    head = struct.pack(">II", leaf, len(sealed) - 16)
    return e.ph + e.keyinfo + head + sealed + bytes([len(path)]) + b"".join(path) + e.signature


# Names of the adapter protocol

def header_from(members):
    """The `header` object of OPERATIONS.md as a Header."""
    m = members
    return Header(b"TD", 1, m.int("patternKind", 0xFF), m.int("suite", U16), m.int("flags", U16),
                  m.bytes("topicTag", 16), m.int("epoch", U32), m.int("count", U32), m.bytes("senderId", 16),
                  m.bytes("streamId", 8), m.int("seq", U64), m.int("timestamp", U64), m.bytes("salt", 16),
                  m.int("extLen", U16), m.int("keyinfoLen", U16), m.int("bodyLen", U32))


def header_out(h):
    return {"patternKind": h.pattern_kind, "suite": h.suite, "flags": h.flags, "topicTag": h.topic_tag.hex(),
            "epoch": h.epoch, "count": h.count, "senderId": h.sender_id.hex(), "streamId": h.stream_id.hex(),
            "seq": str(h.seq), "timestamp": str(h.timestamp), "salt": h.salt.hex(), "extLen": h.ext_len,
            "keyinfoLen": h.keyinfo_len, "bodyLen": h.body_len}


def extensions_out(extensions):
    return [{"number": e.number, "critical": e.critical, "value": e.value.hex()} for e in extensions]
