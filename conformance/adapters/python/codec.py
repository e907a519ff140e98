"""Chapters 00 (varints), 02 (preface and frames) and the plaintexts of chapter 03 (records, Padme)."""
import struct

from base import SAFE_INTEGER, check, usage, Refusal

FRAME_CAP = 1048576
FRAME_HARD_CAP = 16777216
VARINT_BYTES = 8
PLAINTEXT_BYTES = 983040
RECORDS_COUNT = 65535

FRAME_TYPES = frozenset(
    [0x01, 0x02, 0x03, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x20, 0x21, 0x22, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x3E,
     0x3F])
GREASE_FRAME_TYPES = frozenset(range(0x0A, 0x100, 0x10))


# Variable-length integers

def encode_varint(value):
    """The shortest encoding (conventions.1)."""
    check(0 <= value <= SAFE_INTEGER, "E_LIMIT", "varint: met a value above 2^53-1")
    out = bytearray()
    while value > 0x7F:
        out.append(0x80 | (value & 0x7F))
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(data, at):
    """The value at offset `at`, and the offset after it (conventions.2)."""
    value = 0
    for i in range(VARINT_BYTES):
        check(at + i < len(data), "E_ENCODING", "varint: ends early")
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            check(byte != 0 or i == 0, "E_ENCODING", "varint: not minimal")
            check(value <= SAFE_INTEGER, "E_ENCODING", "varint: above 2^53-1")
            return value, at + i + 1
    raise Refusal("E_ENCODING", "varint: longer than 8 bytes")


def decode_one_varint(data):
    """A varint with nothing after it."""
    value, end = decode_varint(data, 0)
    check(end == len(data), "E_ENCODING", "varint: %d bytes after it, allowed 0" % (len(data) - end))
    return value


# Preface and frames

def decode_preface(data):
    check(len(data) == 4, "E_LENGTH", "preface: met %d bytes, allowed 4" % len(data))
    check(data[:3] == b"TDC", "E_ENCODING", "preface: the first three bytes are not 54 44 43")  # framing.2
    check(data[3] == 1, "E_VERSION", "preface version: met %d, allowed 1" % data[3])  # framing.3
    return data[3]


def encode_frame(kind, channel, body):
    usage(kind in FRAME_TYPES or kind in GREASE_FRAME_TYPES, "frame type: met 0x%02x, not defined" % kind)  # framing.6
    check(len(body) <= FRAME_CAP, "E_LIMIT", "frame length: met %d, allowed %d" % (len(body), FRAME_CAP))  # framing.5
    return struct.pack(">BBHI", kind, 0, channel, len(body)) + body  # framing.4


class FrameDecoder:
    """Frames from a stream of bytes, in whatever pieces they arrive (framing.13)."""

    def __init__(self, cap):
        usage(cap <= FRAME_HARD_CAP, "cap: met %d, allowed %d" % (cap, FRAME_HARD_CAP))  # framing.8
        self._cap = cap
        self._closed = False
        self._head = bytearray()
        self._body = None  # of the frame that is being read; None between frames and for GREASE
        self._missing = 0

    def push(self, chunk):
        """The frames that end in this piece. After a refusal it only ever answers E_CLOSED (framing.14)."""
        check(not self._closed, "E_CLOSED", "input after the end")
        try:
            return list(self._read(chunk))
        except Refusal:
            self._closed = True
            raise

    def end(self):
        """The end of the stream (framing.12)."""
        self._closed = True
        check(not self._head, "E_LENGTH", "stream: ends inside a frame")

    def _read(self, chunk):
        at = 0
        while at < len(chunk):
            if len(self._head) < 8:
                piece = chunk[at:at + 8 - len(self._head)]
                self._head += piece
                at += len(piece)
                if len(self._head) < 8:
                    return
                self._decide()
            piece = chunk[at:at + self._missing]
            at += len(piece)
            self._missing -= len(piece)
            if self._body is not None:
                self._body += piece
            if self._missing == 0:
                if self._body is not None:
                    yield self._head[0], struct.unpack_from(">H", self._head, 2)[0], bytes(self._body)
                self._head, self._body = bytearray(), None

    def _decide(self):
        """Decide on the eight header bytes alone; the first failure wins."""
        kind, flags, _, length = struct.unpack(">BBHI", self._head)
        check(length <= self._cap, "E_LIMIT", "frame length: met %d, allowed %d" % (length, self._cap))  # framing.7
        check(flags == 0, "E_ENCODING", "frame flags: met 0x%02x, allowed 0" % flags)  # framing.9
        if kind not in GREASE_FRAME_TYPES:  # framing.10
            check(kind in FRAME_TYPES, "E_ENCODING", "frame type: met 0x%02x, not defined" % kind)  # framing.11
            self._body = bytearray()
        self._missing = length


# Framed records

def padme(length):
    """The padded length (chapter 03, Body; PURBs)."""
    if length <= 1:
        return length
    e = length.bit_length() - 1
    z = e - e.bit_length()  # floor(log2 E) + 1 is the bit length of E
    return -(-length >> z) << z


def encode_records(records, timestamp, padded):
    """Frame records of (timestamp, payload). Limits of envelope.6; padding of envelope.17."""
    usage(records, "records: met 0, allowed 1 to 65535")
    check(len(records) <= RECORDS_COUNT, "E_LIMIT", "records: met %d, allowed %d" % (len(records), RECORDS_COUNT))
    out = bytearray()
    for i, (time, payload) in enumerate(records):
        usage(time <= timestamp, "records[%d]: its time is after the envelope's" % i)
        out += b"\0" + encode_varint(timestamp - time) + encode_varint(len(payload)) + payload  # envelope.16
    size = padme(len(out)) if padded else len(out)
    check(size <= PLAINTEXT_BYTES, "E_LIMIT", "plaintext: met %d bytes, allowed %d" % (size, PLAINTEXT_BYTES))
    return bytes(out).ljust(size, b"\0")


def decode_records(data, count, timestamp, padded):
    """Exactly `count` records, then nothing, or zeros with flag 4 (envelope.19, envelope.20)."""
    check(len(data) <= PLAINTEXT_BYTES, "E_LIMIT", "plaintext: met %d bytes, allowed %d" % (len(data), PLAINTEXT_BYTES))
    check(count > 0, "E_ENCODING", "count: met 0, allowed 1 to 65535")  # envelope.35
    check(count <= RECORDS_COUNT, "E_LIMIT", "count: met %d, allowed %d" % (count, RECORDS_COUNT))  # envelope.36
    check(len(data) >= 3 * count, "E_ENCODING", "plaintext: too small for its count")
    records, at = [], 0
    for i in range(count):
        check(at < len(data), "E_ENCODING", "records: fewer than count")
        check(data[at] == 0, "E_ENCODING", "records[%d]: rflags is not 0" % i)
        age, at = decode_varint(data, at + 1)
        size, at = decode_varint(data, at)
        check(age <= timestamp, "E_ENCODING", "records[%d]: age_ms is above timestamp" % i)
        check(size <= len(data) - at, "E_ENCODING", "records[%d]: len goes beyond the end" % i)
        records.append((timestamp - age, data[at:at + size]))
        at += size
    rest = data[at:]
    check(not rest or padded, "E_ENCODING", "records: %d bytes after the last, allowed 0" % len(rest))
    check(not any(rest), "E_ENCODING", "records: padding that is not zero")
    return records
