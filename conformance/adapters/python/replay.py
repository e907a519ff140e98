"""Chapter 10: freshness, the replay state of a receiver, and the broker's limit on new streams."""
from collections import OrderedDict, namedtuple

from base import SAFE_INTEGER, U32, Refusal, check, usage

MAX_AGE_MS, SKEW_MS = 120000, 30000
WINDOW = 1024
EVIDENCE_ENVELOPES, EVIDENCE_STREAMS = 64, 10000
STREAMS_PER_SENDER = 64
PARTIAL_ENVELOPES = 65536
FLOOR_SLACK, BOUND_SLACK_MS = 64, 60000
NEW_STREAMS_BURST, NEW_STREAMS_INTERVAL_MS = 64, 1000
STREAM_SEQ = 1 << 40
LEAVES_COUNT = 4096
MOST = 1 << 20  # ours: the largest window, cap or count that a test may ask for

Offer = namedtuple("Offer", "group stream seq timestamp id prev leaf leaf_count control forged bad_tag bad_grammar unstored")


def check_freshness(timestamp, now, max_age, skew, expiry, stored):
    """replay.2, replay.3 on a live topic, then replay.4 on every topic."""
    if not stored:
        check(timestamp >= now - max_age, "E_EXPIRED", "timestamp: met %d, allowed from %d" % (timestamp, now - max_age))
        check(timestamp <= now + skew, "E_FUTURE", "timestamp: met %d, allowed up to %d" % (timestamp, now + skew))
    check(expiry is None or now <= expiry, "E_EXPIRED", "expiry: met %s, now is %d" % (expiry, now))


class Window:
    """`hi` and the `size` numbers up to it; bit i stands for hi - i."""

    def __init__(self, size, floor=0):
        self.size, self.hi = size, floor
        self._seen = (1 << size) - 1  # every number up to the floor counts as seen

    def is_too_old(self, seq):
        return seq <= self.hi - self.size

    def is_seen(self, seq):
        return seq <= self.hi and bool(self._seen >> (self.hi - seq) & 1)

    def raise_to(self, seq):
        """Move without marking. A jump past the window costs no more than the window (replay.10)."""
        if seq > self.hi:
            jump = seq - self.hi
            self._seen = (self._seen << jump) & ((1 << self.size) - 1) if jump < self.size else 0
            self.hi = seq

    def mark(self, seq):
        self.raise_to(seq)
        self._seen |= 1 << (self.hi - seq)


class Stream:
    """A stream that is held: its window, its newest timestamp, its stored floor, its envelopes seen in part."""

    def __init__(self, window, after, newest=0, floor=0, bound=-1):
        self.window, self.newest, self.floor, self.bound = window, newest, floor, bound
        self.after = after  # the evict_ts that stood before the admission (replay.15)
        self.partial = {}  # seq -> [id32, bitmap of leaves]


class Group:
    """All streams of one (sender, epoch, topic_tag), in the order of their admission."""

    def __init__(self, evict_ts=0):
        self.evict_ts, self.streams = evict_ts, {}


class ReplayState:
    """What one receiver remembers. `stored_*` survive a restart of a durable receiver."""

    def __init__(self, window, durable, boot, skew, stream_cap, evidence_streams, floors, evictions):
        self._window, self._durable, self._skew = window, durable, skew
        self._stream_cap, self._evidence_streams = stream_cap, evidence_streams
        self._stored_floors = {(group, stream): (floor, bound) for group, stream, floor, bound in floors}
        self._stored_evictions = dict(evictions)
        self.restart(boot)

    def restart(self, boot):
        """Begin again with what was stored; a stream with a stored floor is held from the start."""
        self._boot = boot
        self._groups = {}
        self._evidence = OrderedDict()  # (group, stream) -> {seq: id32}, most recently used last (replay.11)
        self._partials = 0
        if self._durable:
            for group, evict_ts in self._stored_evictions.items():
                self._groups[group] = Group(evict_ts)
            for (group, stream), (floor, bound) in self._stored_floors.items():
                held = self._groups.setdefault(group, Group())
                held.streams[stream] = Stream(Window(self._window, floor), held.evict_ts, bound, floor, bound)

    # The steps of chapter 03

    def examine(self, o):
        """Steps 11 to 14, without change. Returns the code of a failure in step 14, or None."""
        self._verify(o, self._look_up(o))
        check(not o.bad_tag, "E_AEAD", "does not open")
        return "E_ENCODING" if o.bad_grammar else None

    def settle(self, o):
        """Step 15: the look-up once more, then replay.27, then acceptance. Returns what had to be stored."""
        if self._look_up(o):
            raise Refusal("E_FORK", "seq %d: other content was accepted meanwhile" % o.seq)  # replay.12, signature valid
        return self._accept(o)

    def _look_up(self, o):
        """Step 11. True if replay.12 sends the envelope on to step 12 as a fork."""
        check(self._durable or not o.control, "E_REPLAY_STATE", "control message: no durable state")  # replay.26
        if not self._durable:  # replay.25
            first = self._boot + self._skew
            check(o.timestamp > first, "E_TOO_OLD", "timestamp: met %d, allowed above %d" % (o.timestamp, first))
        group = self._groups.get(o.group, Group())
        stream = group.streams.get(o.stream)
        if stream is None:  # replay.15
            check(o.timestamp > group.evict_ts, "E_TOO_OLD",
                  "timestamp of a new stream: met %d, allowed above %d" % (o.timestamp, group.evict_ts))
            self._check_room(o)
            return False
        check(o.timestamp > stream.after, "E_TOO_OLD",
              "timestamp: met %d, allowed above %d" % (o.timestamp, stream.after))  # replay.15
        window = stream.window
        check(not window.is_too_old(o.seq), "E_TOO_OLD",
              "seq: met %d, allowed above %d" % (o.seq, window.hi - window.size))  # replay.6
        seen, partial = window.is_seen(o.seq), stream.partial.get(o.seq)
        if seen or partial:
            first_id = self._evidence.get((o.group, o.stream), {}).get(o.seq)
            if first_id is not None and first_id != o.id:  # replay.12; for an envelope seen in part too (replay.14)
                return True
            check(not seen, "E_REPLAY", "seq: met %d, seen before" % o.seq)  # replay.7, replay.23
            check(o.leaf is not None, "E_REPLAY", "seq: met %d, a leaf of it was seen before" % o.seq)  # replay.20
            check(partial[0] == o.id and not partial[1] >> o.leaf & 1, "E_REPLAY",
                  "leaf: met %d, seen before" % o.leaf)  # replay.19
        else:
            self._check_room(o)
        return False

    def _check_room(self, o):
        """replay.21, for the first leaf of an envelope that has more."""
        if o.leaf is not None and o.leaf_count > 1:
            check(self._partials < PARTIAL_ENVELOPES, "E_LIMIT",
                  "envelopes seen in part: met one more, allowed %d" % PARTIAL_ENVELOPES)

    def _verify(self, o, fork):
        """Step 12: path, signature; then what is decided only under a valid signature."""
        check(o.leaf is None or o.leaf < o.leaf_count, "E_PROOF", "leaf: met %s, allowed below leaf_count" % o.leaf)
        check(not o.forged, "E_SIG", "does not verify")
        check(not fork, "E_FORK", "seq %d: other content was accepted before" % o.seq)  # replay.12
        before = self._evidence.get((o.group, o.stream), {}).get(o.seq - 1)
        check(o.prev in (None, before) or before is None, "E_FORK", "extension 3: not the envelope before")  # replay.13

    def _accept(self, o):
        group = self._groups.get(o.group) or Group()
        stream = group.streams.get(o.stream)
        stored, victim, evict_ts = {}, None, group.evict_ts
        if stream is None:
            stream = Stream(Window(self._window), evict_ts)
            if len(group.streams) >= self._stream_cap:  # replay.16; min takes the first, so the earliest admitted
                victim = min(group.streams, key=lambda s: group.streams[s].newest)
                evict_ts = max(evict_ts, group.streams[victim].newest)
        floor, bound = stream.floor, stream.bound
        if self._durable and (o.seq > floor or o.timestamp > bound):  # replay.22
            floor = max(floor, o.seq + FLOOR_SLACK)
            bound = max(bound, min(o.timestamp + BOUND_SLACK_MS, SAFE_INTEGER))
            stored["floor"], stored["bound"] = str(floor), str(bound)
        if self._durable and evict_ts > group.evict_ts:  # replay.24
            stored["evictTs"] = str(evict_ts)
        check(not (stored and o.unstored), "E_REPLAY_STATE", "floor, bound or evict_ts: not stored")  # replay.27

        # From here on nothing fails.
        self._groups[o.group] = group
        group.evict_ts = evict_ts
        if victim is not None:
            self._partials -= len(group.streams.pop(victim).partial)
            self._stored_floors.pop((o.group, victim), None)
            self._evidence.pop((o.group, victim), None)  # replay.11
        if "evictTs" in stored:
            self._stored_evictions[o.group] = evict_ts
        group.streams[o.stream] = stream
        stream.newest = max(stream.newest, o.timestamp)
        if "floor" in stored:
            stream.floor, stream.bound = floor, bound
            self._stored_floors[o.group, o.stream] = floor, bound
        self._mark(stream, o)
        self._keep_evidence(o)
        return stored

    def _mark(self, stream, o):
        """Mark a whole envelope, or one leaf (replay.19)."""
        if o.leaf is None:
            stream.window.mark(o.seq)
        else:
            stream.window.raise_to(o.seq)
            _, leaves = stream.partial.get(o.seq, (o.id, 0))
            stream.partial[o.seq] = o.id, leaves | 1 << o.leaf
            if stream.partial[o.seq][1] == (1 << o.leaf_count) - 1:
                stream.window.mark(o.seq)
        before = len(stream.partial)
        stream.partial = {seq: p for seq, p in stream.partial.items()
                          if not stream.window.is_too_old(seq) and not stream.window.is_seen(seq)}
        self._partials += len(stream.partial) - before

    def _keep_evidence(self, o):
        """replay.11: by stream as last used, in a stream by seq."""
        held = self._evidence.setdefault((o.group, o.stream), {})
        self._evidence.move_to_end((o.group, o.stream))
        held[o.seq] = o.id
        latest = max(held)
        for seq in [s for s in held if s <= latest - EVIDENCE_ENVELOPES]:
            del held[seq]
        while len(self._evidence) > self._evidence_streams:
            self._evidence.popitem(last=False)


# replay.run of the adapter protocol

def run(m):
    """Drive one replay state through `steps`; one result for each."""
    state = ReplayState(
        m.int("window", MOST, 1, WINDOW), m.flag("durable", False), m.int("bootMs", SAFE_INTEGER, 0, 0),
        m.int("skewMs", SAFE_INTEGER, 0, SKEW_MS), m.int("streamCap", MOST, 1, STREAMS_PER_SENDER),
        m.int("evidenceStreams", MOST, 0, EVIDENCE_STREAMS),
        [stream_from(f) + (f.int("floor", SAFE_INTEGER), f.int("bound", SAFE_INTEGER)) for f in m.objects("floors", [])],
        [(group_from(e.object("group")), e.int("evictTs", SAFE_INTEGER)) for e in m.objects("evictions", [])])
    return [_step(state, step) for step in m.objects("steps")]


def _step(state, step):
    if step.has("offer"):
        return _offers(state, [_offer_from(step.object("offer"))])[0]
    if step.has("offer2"):
        pair = [_offer_from(o) for o in step.objects("offer2")]
        usage(len(pair) == 2, "offer2: met %d offers, allowed 2" % len(pair))
        return {"results": _offers(state, pair)}
    state.restart(step.object("restart").int("bootMs", SAFE_INTEGER))
    return {}


def _offers(state, offers):
    """Steps 11 to 14 for each, then step 15 for each that got so far."""
    examined = [_examine(state, o) for o in offers]
    return [_settle(state, o, code) if reached else {"error": code} for o, (code, reached) in zip(offers, examined)]


def _examine(state, o):
    """The code of the first failure, or None; and whether step 15 is reached (envelope.28)."""
    try:
        return state.examine(o), True
    except Refusal as e:
        return e.code, False


def _settle(state, o, code):
    try:
        stored = state.settle(o)
    except Refusal as e:
        return {"error": code or e.code}  # a failure in step 14 came first
    return {"error": code} if code else dict(stored, verdict="new")


def group_from(m):
    return m.bytes("sender", 32)[:16], m.int("epoch", U32), m.bytes("tag", 16)


def stream_from(m):
    s = m.object("stream")
    return group_from(s), s.bytes("id", 8)


def _offer_from(m):
    group, stream = stream_from(m)
    leaf, leaf_count = None, None
    if m.has("leaf"):
        leaf, leaf_count = m.int("leaf", U32), m.int("leafCount", LEAVES_COUNT, 1)
    return Offer(group, stream, m.int("seq", STREAM_SEQ, 1), m.int("timestamp", SAFE_INTEGER), m.bytes("id32", 32),
                 m.bytes("prev32", 32, None), leaf, leaf_count, m.flag("control", False), m.flag("forged", False),
                 m.flag("badTag", False), m.flag("badGrammar", False), m.flag("unstored", False))


# Broker

class StreamRate:
    """replay.18: a token bucket of 64 for each sender and topic tag that gains one each second."""

    def __init__(self):
        self._senders = {}  # (sender, tag) -> [thousandths of tokens, time of the last gain, streams remembered]

    def offer(self, now, sender, tag, stream):
        full = NEW_STREAMS_BURST * NEW_STREAMS_INTERVAL_MS
        entry = self._senders.setdefault((sender, tag), [full, now, OrderedDict()])
        entry[0] = min(full, entry[0] + max(0, now - entry[1]))
        entry[1] = max(now, entry[1])
        remembered = entry[2]
        if stream not in remembered:
            check(entry[0] >= NEW_STREAMS_INTERVAL_MS, "E_LIMIT", "new streams: faster than one each second")
            entry[0] -= NEW_STREAMS_INTERVAL_MS
            remembered[stream] = True
            if len(remembered) > NEW_STREAMS_BURST:
                remembered.popitem(last=False)
        remembered.move_to_end(stream)


def run_rate(m):
    rate, results = StreamRate(), []
    for step in m.objects("steps"):
        (sender, epoch, tag), stream = stream_from(step)
        now = step.int("now", SAFE_INTEGER)
        try:
            rate.offer(now, sender, tag, (epoch, stream))
            results.append({"ok": True})
        except Refusal as e:
            results.append({"error": e.code})
    return results
