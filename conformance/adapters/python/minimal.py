"""The smallest adapter that does something: `varint.decode` of chapter 00, everything else skipped."""
import json
import sys


def decode(data):
    """The value, or None for what conventions.2 refuses."""
    data = data[:9]  # one more than allowed is enough to see
    value = sum((byte & 0x7F) << 7 * i for i, byte in enumerate(data))
    ends = [i for i, byte in enumerate(data) if byte < 0x80]
    right = ends == [len(data) - 1] and len(data) <= 8 and (len(data) == 1 or data[-1]) and value < 1 << 53
    return value if right else None


for line in sys.stdin:
    request = json.loads(line)
    if request["cmd"] == "bye":
        break
    if request["cmd"] == "hello":
        reply = {"protocol": 1, "name": "minimal", "version": "0.1.0", "language": "python", "spec": ["1.0"], "features": ["codec"]}
    elif request["cmd"] == "run":
        reply = {"id": request["id"]}
        if request["op"] == "varint.decode":
            value = decode(bytes.fromhex(request["in"]["bytes"]))
            reply.update({"error": {"code": "E_ENCODING"}} if value is None else {"out": {"value": str(value)}})
        else:
            reply["skip"] = "not written yet"
    else:
        continue
    print(json.dumps(reply), flush=True)
