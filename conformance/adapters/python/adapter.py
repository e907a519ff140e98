"""A TriDComm adapter in plain Python, written from the text of spec/v1 alone: JSON lines on stdin and stdout.

It offers no key agreement, signature or encryption, because the standard library has none.
"""
import json
import sys

import codec
import codes
import envelope
import merkle
import replay
import schedule
import topics
from base import SAFE_INTEGER, U16, U32, U64, Members, Refusal

HELLO = {"protocol": 1, "name": "tridcomm-python-starter", "version": "0.1.0", "language": "python", "spec": ["1.0"],
         "features": ["codec", "schedule", "replay", "topics", "errors"]}


def hexes(values):
    return [v.hex() for v in values]


# codec

def frame_decode(m):
    decoder, frames = codec.FrameDecoder(m.int("cap", U32, 0, codec.FRAME_CAP)), []
    for chunk in m.bytes_list("chunks"):
        frames += decoder.push(chunk)
    decoder.end()
    return {"frames": [{"type": t, "channel": c, "body": body.hex()} for t, c, body in frames]}


def frame_closed(m):
    """The answer to the push after the refused one (framing.14)."""
    decoder = codec.FrameDecoder(m.int("cap", U32, 0, codec.FRAME_CAP))
    chunks = m.bytes_list("chunks")
    for i, chunk in enumerate(chunks):
        try:
            decoder.push(chunk)
        except Refusal:
            decoder.push(b"".join(chunks[i + 1:i + 2]))
    raise Refusal("E_USAGE", "chunks: none was refused")


def envelope_parse(m):
    e = envelope.parse_envelope(m.bytes("bytes"))
    return {"header": envelope.header_out(e.header), "extensions": envelope.extensions_out(e.extensions),
            "keyinfo": e.keyinfo.hex(), "body": e.body.hex(), "signature": e.signature.hex()}


def job_parse(m):
    j = envelope.parse_job(m.bytes("bytes"))
    return {"header": envelope.header_out(j.header), "extensions": envelope.extensions_out(j.extensions),
            "keyinfo": j.keyinfo.hex(), "leaf": j.leaf, "ciphertext": j.ciphertext.hex(), "path": hexes(j.path),
            "signature": j.signature.hex()}


def records_encode(m):
    records = [(r.int("timestamp", SAFE_INTEGER), r.bytes("payload")) for r in m.objects("records")]
    return {"bytes": codec.encode_records(records, m.int("timestamp", SAFE_INTEGER), m.flag("padded")).hex()}


def records_decode(m):
    records = codec.decode_records(m.bytes("bytes"), m.int("count", U32), m.int("timestamp", SAFE_INTEGER), m.flag("padded"))
    return {"records": [{"timestamp": str(t), "payload": p.hex()} for t, p in records]}


def merkle_verify(m):
    merkle.verify(m.bytes("leafHash", 32), m.int("leaf", U32), m.int("leafCount", U32), m.bytes_list("path", 32),
                  m.bytes("root", 32))
    return {}


# schedule

def key_id(m):
    value = schedule.key_id(m.int("alg", U16), m.bytes("publicKey"))
    return {"keyId": value.hex(), "senderId": value[:16].hex()}


def xp(m):
    return {"output": schedule.xp(m.bytes("secret"), m.text("label"), m.bytes("context"), m.int("length", U16)).hex()}


def salt(m):
    return {"salt": schedule.salt(m.bytes("hedgeSecret", 32), m.bytes("random", 16), m.bytes("protectedHeader"),
                                  m.bytes("bind", 32), m.bytes_list("plaintexts")).hex()}


def record_key(m):
    values = schedule.record_key(m.int("suite", U16), m.bytes("sourceSecret"), m.bytes("groupCtx", 32),
                                 m.bytes("senderKeyId", 32), m.bytes("streamId", 8), m.bytes("salt", 16))
    return dict(zip(("streamSecret", "key", "nonce", "recordCommit"), hexes(values)))


def sigin(m):
    values = schedule.sigin(m.bytes("signerKeyId", 32), m.bytes("bind", 32), m.bytes("protectedHeader"),
                            m.bytes("keyinfo"), m.bytes("body"))
    return dict(zip(("signInput", "id"), hexes(values)))


# replay, topics, errors

def freshness(m):
    replay.check_freshness(m.int("timestamp", U64), m.int("now", SAFE_INTEGER),
                           m.int("maxAgeMs", SAFE_INTEGER, 0, replay.MAX_AGE_MS),
                           m.int("skewMs", SAFE_INTEGER, 0, replay.SKEW_MS),
                           m.int("expiry", U64) if m.has("expiry") else None, m.flag("stored", False))
    return {}


def topic_tag(m):
    values = topics.tag(m.bytes("routeSecret"), m.bytes("groupId", 16), m.int("period", U32), m.bytes("topic"))
    return dict(zip(("routeKey", "tag", "chain"), hexes(values)))


def topic_token(m):
    kind, token, level = topics.token(m.bytes("routeSecret"), m.bytes("groupId", 16), m.int("period", U32),
                                      m.bytes("pattern"))
    out = {"kind": kind, "token": token.hex()}
    return out if level is None else dict(out, level=level)


def topic_periods(m):
    return {"periods": topics.periods(m.int("now", SAFE_INTEGER), m.int("periodMs", SAFE_INTEGER, 1, topics.PERIOD_MS),
                                      m.int("maxAgeMs", SAFE_INTEGER, 0, replay.MAX_AGE_MS),
                                      m.int("skewMs", SAFE_INTEGER, 0, replay.SKEW_MS))}


def error_outward(m):
    code = codes.outward(m.text("code"))
    return {} if code is None else {"outward": code}


OPERATIONS = {
    "varint.encode": lambda m: {"bytes": codec.encode_varint(m.int("value", U64)).hex()},
    "varint.decode": lambda m: {"value": str(codec.decode_one_varint(m.bytes("bytes")))},
    "preface.decode": lambda m: {"version": codec.decode_preface(m.bytes("bytes"))},
    "frame.encode": lambda m: {
        "bytes": codec.encode_frame(m.int("type", 0xFF), m.int("channel", U16), m.bytes("body")).hex()},
    "frame.decode": frame_decode,
    "frame.closed": frame_closed,
    "header.encode": lambda m: {"bytes": envelope.encode_header(envelope.header_from(m.object("header"))).hex()},
    "envelope.parse": envelope_parse,
    "job.parse": job_parse,
    "records.encode": records_encode,
    "records.decode": records_decode,
    "padme": lambda m: {"padded": codec.padme(m.int("length", U32))},
    "merkle.root": lambda m: {"root": merkle.root(m.bytes_list("leaves", 32)).hex()},
    "merkle.path": lambda m: {"path": hexes(merkle.path(m.bytes_list("leaves", 32), m.int("leaf", U32)))},
    "merkle.verify": merkle_verify,
    "envelope.split": lambda m: {"job": envelope.split(m.bytes("envelope"), m.int("leaf", U32)).hex()},
    "key.id": key_id,
    "xp": xp,
    "hedge": lambda m: {
        "hedgeSecret": schedule.hedge_secret(m.bytes("processRandom", 32), m.bytes("localSecret", 32)).hex()},
    "salt": salt,
    "record.key": record_key,
    "sigin": sigin,
    "replay.run": lambda m: {"results": replay.run(m)},
    "freshness": freshness,
    "stream.rate": lambda m: {"results": replay.run_rate(m)},
    "topic.parse": lambda m: {"segments": hexes(topics.parse_topic(m.bytes("topic")))},
    "pattern.parse": lambda m: {"segments": hexes(topics.parse_pattern(m.bytes("pattern")))},
    "topic.match": lambda m: {"match": topics.match(m.bytes("pattern"), m.bytes("topic"))},
    "topic.tag": topic_tag,
    "topic.token": topic_token,
    "topic.periods": topic_periods,
    "error.outward": error_outward,
}


def answer(request):
    """The reply to one `run`; whatever goes wrong becomes an error of this case."""
    reply = {"id": request["id"]}
    try:
        operation = OPERATIONS.get(request.get("op")) if isinstance(request.get("op"), str) else None
        if operation is None:
            return dict(reply, skip="operation not known")
        return dict(reply, out=operation(Members(request.get("in"))))
    except Refusal as e:
        return dict(reply, error={"code": e.code, "detail": e.detail})
    except Exception as e:  # a mistake of ours: the type only, since the text may hold bytes of the input (errors.5)
        return dict(reply, error={"code": "E_INTERNAL", "detail": type(e).__name__})


def main():
    for line in sys.stdin.buffer:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        cmd = request.get("cmd") if isinstance(request, dict) else None
        if cmd == "bye":
            return
        if cmd == "hello":
            reply = HELLO
        elif cmd == "run" and isinstance(request.get("id"), str):
            reply = answer(request)
        else:
            if cmd != "reset":  # nothing is kept between cases
                print("a line that is no request", file=sys.stderr, flush=True)
            continue
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
