"""Checks against values that are not ours: RFC 4231, RFC 5869, the tree of Certificate Transparency, sums done by hand."""
import unittest
from hashlib import sha256

import adapter
import codec
import merkle
import replay
import schedule
import topics
from base import Members, Refusal

CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def code_of(call, *args):
    """The code that a call is refused with, or None."""
    try:
        call(*args)
    except Refusal as e:
        return e.code
    return None


class Published(unittest.TestCase):
    def test_hmac_rfc_4231_case_2(self):
        self.assertEqual(schedule.mac(b"Jefe", b"what do ya want for nothing?").hex(),
                         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")

    def test_hkdf_rfc_5869_case_1(self):
        prk = schedule.hkdf_extract(bytes(range(13)), b"\x0b" * 22)
        self.assertEqual(prk.hex(), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
        self.assertEqual(schedule.hkdf_expand(prk, bytes(range(0xF0, 0xFA)), 42).hex(),
                         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")

    def test_merkle_roots_and_paths(self):
        leaves = [sha256(b"\0" + bytes.fromhex(v)).digest() for v in CT_LEAVES]
        for n in range(1, 9):
            root = merkle.root(leaves[:n])
            self.assertEqual(root.hex(), CT_ROOTS.get(n, root.hex()))
            for leaf in range(n):
                path = merkle.path(leaves[:n], leaf)
                merkle.verify(leaves[leaf], leaf, n, path, root)
                self.assertEqual(code_of(merkle.verify, leaves[leaf], leaf, n, path + [root], root), "E_PROOF")
                self.assertEqual(code_of(merkle.verify, leaves[leaf], n, n, path, root), "E_PROOF")
                if path:
                    self.assertEqual(code_of(merkle.verify, leaves[leaf], leaf, n, path[:-1], root), "E_PROOF")

    def test_small_order_values_follow_from_the_curve(self):
        p = schedule.P
        d = -121665 * pow(121666, p - 2, p) % p
        roots = [y for y in schedule.SMALL_ORDER_Y if (d * y ** 4 + 2 * y ** 2 - 1) % p == 0]
        self.assertEqual((len(schedule.SMALL_ORDER_Y), len(roots)), (5, 2))


class ByHand(unittest.TestCase):
    def test_varint(self):
        for value, encoded in ((0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2 ** 53 - 1, "ffffffffffffff0f")):
            self.assertEqual(codec.encode_varint(value).hex(), encoded)
            self.assertEqual(codec.decode_one_varint(bytes.fromhex(encoded)), value)
        for bad in ("", "80", "8000", "0000", "ffffffffffffff10", "808080808080808001"):
            self.assertEqual(code_of(codec.decode_one_varint, bytes.fromhex(bad)), "E_ENCODING", bad)

    def test_padme(self):
        for length, padded in ((0, 0), (1, 1), (2, 2), (3, 3), (8, 8), (9, 10), (100, 104), (1000, 1024), (1025, 1088)):
            self.assertEqual(codec.padme(length), padded)

    def test_frames_in_any_pieces(self):
        stream = codec.encode_frame(0x10, 7, b"abc") + codec.encode_frame(0x1A, 0, b"dropped") + codec.encode_frame(0x3E, 0, b"")
        for size in (1, 3, 8, 64):
            decoder = codec.FrameDecoder(64)
            frames = [f for at in range(0, len(stream), size) for f in decoder.push(stream[at:at + size])]
            decoder.end()
            self.assertEqual(frames, [(0x10, 7, b"abc"), (0x3E, 0, b"")])

    def test_topics(self):
        for bad, code in (("", "E_ENCODING"), ("a//b", "E_ENCODING"), ("a/*", "E_ENCODING"), ("e\u0301", "E_ENCODING"),
                          ("a\u0085", "E_ENCODING"), ("/".join("abcdefghi"), "E_LIMIT"), ("a" * 256, "E_LIMIT")):
            self.assertEqual(code_of(topics.parse_topic, bad.encode()), code, bad)
        for bad in ("**/a", "a*", "a/***", "*/**/*"):
            self.assertEqual(code_of(topics.parse_pattern, bad.encode()), "E_ENCODING", bad)
        for pattern, topic, right in (("orders/**", "orders/new", True), ("orders/**", "orders/eu/new", True),
                                      ("orders/**", "orders", False), ("orders/*", "orders/new", True),
                                      ("orders/*", "orders/eu/new", False), ("**", "a", True), ("A", "a", False)):
            self.assertEqual(topics.match(pattern.encode(), topic.encode()), right, (pattern, topic))

    def test_window(self):
        window = replay.Window(4)
        for seq in (2, 4):
            window.mark(seq)
        self.assertEqual([window.is_seen(s) for s in (1, 2, 3, 4, 5)], [False, True, False, True, False])
        window.mark(7)
        self.assertEqual([window.is_too_old(s) for s in (3, 4)], [True, False])
        window.mark(2 ** 40)
        self.assertEqual([window.is_seen(2 ** 40 - i) for i in range(4)], [True, False, False, False])

    def test_bad_input_is_a_usage_error(self):
        for op, operation in adapter.OPERATIONS.items():
            for value in ({}, None, [], 7, {"bytes": "0"}, {"bytes": None}):
                reply = adapter.answer({"id": "x", "op": op, "in": value})
                self.assertEqual(reply.get("error", {}).get("code"), "E_USAGE", (op, value))
            self.assertEqual(code_of(operation, Members({})), "E_USAGE")


if __name__ == "__main__":
    unittest.main()
