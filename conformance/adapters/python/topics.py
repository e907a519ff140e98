"""Chapter 12: topic names, patterns, tags and what a broker gets for a subscription."""
import struct
import unicodedata

from base import TAG_BYTES, U32, check, usage
from schedule import mac, xp

SEGMENTS = 8
SEGMENT_BYTES = 255
PERIOD_MS = 86400000
PERIODS = 65536  # ours, so that a tiny period cannot ask for an endless list


def _segments(data, what, check_stars):
    """Check in the order topics.3, topics.1, topics.4 (for a pattern: topics.5 in its place), topics.2."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        check(False, "E_ENCODING", "%s: byte %d is not UTF-8" % (what, e.start))
    check(unicodedata.normalize("NFC", text) == text, "E_ENCODING", what + ": not in Normalization Form C")  # topics.3
    segments = data.split(b"/")
    check(all(segments), "E_ENCODING", what + ": empty, or with an empty segment")  # topics.1
    check(not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in text), "E_ENCODING", what + ": control character")
    check_stars(segments)
    check(len(segments) <= SEGMENTS, "E_LIMIT", "%s: met %d segments, allowed %d" % (what, len(segments), SEGMENTS))
    longest = max(map(len, segments))
    check(longest <= SEGMENT_BYTES, "E_LIMIT", "%s: a segment of %d bytes, allowed %d" % (what, longest, SEGMENT_BYTES))
    return segments


def _no_stars(segments):
    check(not any(b"*" in s for s in segments), "E_ENCODING", "topic: contains *")  # topics.4


def _whole_stars(segments):
    check(b"**" not in segments[:-1], "E_ENCODING", "pattern: ** that is not last")  # topics.5
    check(all(s in (b"*", b"**") or b"*" not in s for s in segments), "E_ENCODING", "pattern: * inside a segment")


def parse_topic(data):
    return _segments(data, "topic", _no_stars)


def parse_pattern(data):
    """topics.5, topics.6."""
    return _segments(data, "pattern", _whole_stars)


def match(pattern, topic):
    """Segment by segment and byte by byte (topics.7)."""
    want, have = parse_pattern(pattern), parse_topic(topic)
    if want[-1] == b"**":
        want = want[:-1]
        if len(have) <= len(want):
            return False
        have = have[:len(want)]
    return len(want) == len(have) and all(w in (b"*", h) for w, h in zip(want, have))


def _chain(route_secret, group_id, period, segments):
    """K_route and t_0 to t_n."""
    route_key = xp(route_secret, "route", group_id + struct.pack(">I", period), 32)
    chain = [xp(route_key, "topic root", struct.pack(">I", period), 32)]
    for segment in segments:
        chain.append(mac(chain[-1], bytes([len(segment)]) + segment))
    return route_key, chain


def tag(route_secret, group_id, period, topic):
    """K_route, the tag, and the value of extension 9 (topics.8, topics.9)."""
    route_key, chain = _chain(route_secret, group_id, period, parse_topic(topic))
    values = [t[:TAG_BYTES] for t in chain]
    return route_key, values[-1], b"".join(values[:-1])


def token(route_secret, group_id, period, pattern):
    """What a broker gets: (kind, token, level); level is of a prefix only (topics.11)."""
    segments = parse_pattern(pattern)
    level = next((i for i, s in enumerate(segments) if s in (b"*", b"**")), None)
    _, chain = _chain(route_secret, group_id, period, segments[:level])
    return ("exact" if level is None else "prefix"), chain[-1][:TAG_BYTES], level


def periods(now, period_ms, max_age, skew):
    """Every period that overlaps now - max_age to now + skew (topics.10)."""
    first, last = max(0, now - max_age) // period_ms, (now + skew) // period_ms
    usage(last <= U32, "period: met %d, allowed 2^32-1" % last)
    usage(last - first < PERIODS, "periods: met %d, allowed %d" % (last - first + 1, PERIODS))
    return list(range(first, last + 1))
