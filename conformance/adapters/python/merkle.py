"""The Merkle tree of chapter 03: RFC 9162 with SHA-256."""
from hashlib import sha256

from base import check, usage

LEAVES_COUNT = 4096


def leaf_hash(leaf, ct_and_tag):
    """The hash of one leaf's bytes, ct and tag together."""
    head = b"\0" + leaf.to_bytes(4, "big") + (len(ct_and_tag) - 16).to_bytes(4, "big")
    return sha256(head + ct_and_tag).digest()


def _node(left, right):
    return sha256(b"\1" + left + right).digest()


def _split(n):
    """The largest power of two smaller than n (RFC 9162 2.1.1)."""
    return 1 << ((n - 1).bit_length() - 1)


def _check_count(n):
    usage(n > 0, "leaves: met 0, allowed 1 to %d" % LEAVES_COUNT)
    check(n <= LEAVES_COUNT, "E_LIMIT", "leaves: met %d, allowed %d" % (n, LEAVES_COUNT))


def root(leaves):
    """The tree head over leaf hashes (RFC 9162 2.1.1)."""
    _check_count(len(leaves))
    return _root(leaves)


def _root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return _node(_root(leaves[:k]), _root(leaves[k:]))


def path(leaves, leaf):
    """The inclusion path from the leaf upwards (RFC 9162 2.1.3.1)."""
    _check_count(len(leaves))
    check(leaf < len(leaves), "E_PROOF", "leaf: met %d, allowed below %d" % (leaf, len(leaves)))
    out = []
    while len(leaves) > 1:
        k = _split(len(leaves))
        if leaf < k:
            out.append(_root(leaves[k:]))
            leaves = leaves[:k]
        else:
            out.append(_root(leaves[:k]))
            leaves, leaf = leaves[k:], leaf - k
    return out[::-1]


def verify(hash_of_leaf, leaf, leaf_count, path_hashes, expected):
    """envelope.25: RFC 9162 2.1.3.2; a path of any other length is refused too."""
    check(leaf < leaf_count, "E_PROOF", "leaf: met %d, allowed below %d" % (leaf, leaf_count))
    fn, sn, result = leaf, leaf_count - 1, hash_of_leaf
    for sibling in path_hashes:
        check(sn != 0, "E_PROOF", "path: too long")
        if fn & 1 or fn == sn:
            result = _node(sibling, result)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = _node(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    check(sn == 0, "E_PROOF", "path: too short")
    check(result == expected, "E_PROOF", "path: does not lead to the root")
