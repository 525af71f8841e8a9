#!/usr/bin/env python3
"""Verifies receipts, exports and consistency proofs of an effex audit.

Follows docs/audit-format.md. Needs Python 3.8 or newer, and nothing but its standard library.

    verify_audit.py receipt RECEIPT.json... --key KEY
    verify_audit.py export AUDIT.ndjson --heads HEADS.ndjson --key KEY
    verify_audit.py consistency PROOF.json --old HEAD.json --new HEAD.json --key KEY
    verify_audit.py vectors audit-vectors.json

KEY is the public key that you trust, 64 hexadecimal digits. Repeat --key, or pass the response of
GET /api/v1/audit/keys as --rotations, if the key was replaced. Exits with 0 for a valid proof, with 1 and
the reason for an invalid one.
"""

import argparse
import hashlib
import json
import re
import sys

RECORD_FIELDS = (
    "audit_id", "from_currency", "to_currency", "input_amount", "output_amount", "mid_rate", "margin",
    "rate", "rate_id", "provider", "rate_fetched_at", "stale", "amount_type", "exact_output", "residual",
    "quote_id", "reference", "principal", "converted_at",
)
NULLABLE_FIELDS = ("quote_id", "reference")
HEAD_FIELDS = ("tree_size", "root_hash", "chain_hash", "signed_at", "public_key", "signature")
ROTATION_FIELDS = (
    "previous_key", "public_key", "tree_size", "root_hash", "chain_hash", "signed_at", "previous_signature",
    "signature",
)
GENESIS = bytes(32)
MAX_INTEGER = 2 ** 53 - 1


class Invalid(Exception):
    """The proof is invalid; the message says why."""


def require(condition, reason):
    if not condition:
        raise Invalid(reason)


# Strict JSON: no repeated keys, no unknown fields, no other types.


def unique_keys(pairs):
    names = [name for name, _ in pairs]
    require(len(names) == len(set(names)), "a JSON object repeats a key")
    return dict(pairs)


def no_number(text):
    raise Invalid("%s is not an integer" % text)


def parse_json(data):
    try:
        text = data.decode("utf-8")
        return json.loads(
            text, object_pairs_hook=unique_keys, parse_float=no_number, parse_constant=no_number
        )
    except (ValueError, RecursionError) as error:
        raise Invalid("not JSON in UTF-8: %s" % error)


def require_fields(value, fields, name, optional=()):
    require(isinstance(value, dict), "%s must be an object" % name)
    for field in fields:
        require(field in value, "%s has no field %s" % (name, field))
    for field in value:
        require(field in fields or field in optional, "%s has the unknown field %s" % (name, field))
    return value


def integer(value, name):
    require(type(value) is int and -1 < value <= MAX_INTEGER, "%s must be an integer" % name)
    return value


def text(value, name):
    require(isinstance(value, str), "%s must be a string" % name)
    return value


def from_hex(value, size, name):
    pattern = "[0-9a-f]{%d}" % (2 * size)
    is_hex = isinstance(value, str) and re.fullmatch(pattern, value) is not None
    require(is_hex, "%s must be %d bytes in lower-case hexadecimal" % (name, size))
    return bytes.fromhex(value)


def hashes(value, name):
    require(isinstance(value, list), "%s must be a list" % name)
    return [from_hex(item, 32, name) for item in value]


# Hashes and the bytes that are hashed and signed.


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def encode(fields):
    """Each field: its length in 4 bytes, big-endian, then its UTF-8 bytes. Null: the length 2^32 - 1."""
    encoded = []
    for field in fields:
        try:
            data = None if field is None else field.encode("utf-8")
        except UnicodeEncodeError:
            raise Invalid("a text has a lone surrogate")
        encoded.append(b"\xff\xff\xff\xff" if data is None else len(data).to_bytes(4, "big") + data)
    return b"".join(encoded)


def encode_record(record):
    values = ["effex-audit-v1"]
    for field in RECORD_FIELDS:
        value = record[field]
        if field == "stale":
            require(isinstance(value, bool), "stale must be true or false")
            values.append("true" if value else "false")
        elif value is None:
            require(field in NULLABLE_FIELDS, "%s must not be null" % field)
            values.append(None)
        else:
            values.append(text(value, field))
    return encode(values)


def encode_head(head):
    size = str(integer(head["tree_size"], "tree_size"))
    return encode(["effex-audit-head-v1", size, head["root_hash"], head["chain_hash"], head["signed_at"]])


def encode_rotation(rotation):
    return encode([
        "effex-audit-key-v1", rotation["previous_key"], rotation["public_key"], str(rotation["tree_size"]),
        rotation["root_hash"], rotation["chain_hash"], rotation["signed_at"],
    ])


def leaf_hash(data):
    return sha256(b"\x00", data)


def node_hash(left, right):
    return sha256(b"\x01", left, right)


class MerkleTree:
    """Append-only Merkle tree of RFC 6962, section 2.1. Keeps the roots of its complete subtrees."""

    def __init__(self):
        self.size = 0
        self.peaks = []

    def append(self, leaf):
        node, width = leaf, 1
        while self.peaks and self.peaks[-1][1] == width:
            node, width = node_hash(self.peaks.pop()[0], node), 2 * width
        self.peaks.append((node, width))
        self.size += 1

    def root(self):
        if not self.peaks:
            return sha256()
        root = self.peaks[-1][0]
        for peak, _ in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_from_inclusion(leaf, index, size, proof):
    """RFC 9162, section 2.1.3.2. Returns None for a proof of the wrong length."""
    if not 0 <= index < size:
        return None
    node, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if node % 2 == 1 or node == last:
            root = node_hash(sibling, root)
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            root = node_hash(root, sibling)
        node, last = node // 2, last // 2
    return root if last == 0 else None


def is_consistent(old_size, old_root, new_size, new_root, proof):
    """RFC 9162, section 2.1.4.2."""
    if not 1 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size & (old_size - 1) == 0:
        proof = [old_root] + proof
    if not proof:
        return False
    old, new = old_size - 1, new_size - 1
    while old % 2 == 1:
        old, new = old // 2, new // 2
    old_hash = new_hash = proof[0]
    for sibling in proof[1:]:
        if new == 0:
            return False
        if old % 2 == 1 or old == new:
            old_hash, new_hash = node_hash(sibling, old_hash), node_hash(sibling, new_hash)
            while old % 2 == 0 and old != 0:
                old, new = old // 2, new // 2
        else:
            new_hash = node_hash(new_hash, sibling)
        old, new = old // 2, new // 2
    return new == 0 and old_hash == old_root and new_hash == new_root


# Ed25519 (RFC 8032, section 5.1), verification only. Points are in extended coordinates.

P = 2 ** 255 - 19
ORDER = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * SQRT_MINUS_1 % P
    if (x * x - square) % P != 0:
        return None
    return P - x if x & 1 != sign else x


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def is_equal(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)


def is_signed(message, signature, public_key):
    key, commitment = decompress(public_key), decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    return is_equal(multiply(scalar, BASE), add(commitment, multiply(challenge, key)))


# Trusted keys.


class Keys:
    """Public keys, each with the tree sizes for which it may sign heads."""

    def __init__(self, trusted, rotations=()):
        self.ranges = {key: (0, MAX_INTEGER) for key in trusted}
        signed = []
        for rotation in rotations:
            require_fields(rotation, ROTATION_FIELDS, "a rotation")
            previous = from_hex(rotation["previous_key"], 32, "previous_key")
            key = from_hex(rotation["public_key"], 32, "public_key")
            size = integer(rotation["tree_size"], "tree_size")
            message = encode_rotation(rotation)
            require(
                is_signed(message, from_hex(rotation["signature"], 64, "signature"), key),
                "a rotation is not signed by its new key",
            )
            by_previous = rotation["previous_signature"]
            is_by_both = by_previous is not None
            require(
                not is_by_both or is_signed(message, from_hex(by_previous, 64, "previous_signature"), previous),
                "a rotation is not signed by its previous key",
            )
            signed.append((previous, key, size, is_by_both))
        while True:
            before = dict(self.ranges)
            for previous, key, size, is_by_both in signed:
                # A key vouches for no other key beyond the size up to which it is valid itself.
                if key in self.ranges:
                    end = self.ranges[key][1]
                    self.extend(previous, 0, end if is_by_both else min(size, end))
                if is_by_both and previous in self.ranges:
                    end = self.ranges[previous][1]
                    if size <= end:
                        self.extend(key, size, end)
            if self.ranges == before:
                return

    def extend(self, key, start, end):
        known = self.ranges.get(key, (start, end))
        self.ranges[key] = (min(start, known[0]), max(end, known[1]))

    def accept(self, key, size):
        start, end = self.ranges.get(key, (1, 0))
        return start <= size <= end


def verify_head(head, keys, name="head"):
    """Verifies the signature of a head. Returns its size, root and chain hash."""
    require_fields(head, HEAD_FIELDS, name)
    root = from_hex(head["root_hash"], 32, "root_hash")
    chain = from_hex(head["chain_hash"], 32, "chain_hash")
    key = from_hex(head["public_key"], 32, "public_key")
    signature = from_hex(head["signature"], 64, "signature")
    text(head["signed_at"], "signed_at")
    size = integer(head["tree_size"], "tree_size")
    require(keys.accept(key, size), "%s.public_key is not a given key" % name)
    require(is_signed(encode_head(head), signature, key), "the signature of the %s is invalid" % name)
    return size, root, chain


# The commands.


def verify_receipt(receipt, keys):
    require_fields(receipt, ("record", "position", "proof", "head"), "the receipt", ("chain",))
    record = require_fields(receipt["record"], RECORD_FIELDS, "record")
    size, root, chain_hash = verify_head(receipt["head"], keys)
    position = integer(receipt["position"], "position")
    data = encode_record(record)
    proof = hashes(receipt["proof"], "proof")
    require(
        root_from_inclusion(leaf_hash(data), position - 1, size, proof) == root,
        "the record and its proof do not produce the signed root",
    )
    if "chain" in receipt:
        chain = require_fields(receipt["chain"], ("previous_hash", "hash"), "chain")
        previous = from_hex(chain["previous_hash"], 32, "previous_hash")
        linked = from_hex(chain["hash"], 32, "hash")
        require(
            sha256(previous, data) == linked
            and (position > 1 or previous == GENESIS)
            and (position < size or linked == chain_hash),
            "the record does not continue the hash chain",
        )
    return "valid: %s is record %d of %d in the audit signed at %s\n%s %s to %s %s (%s amount)" % (
        record["audit_id"], position, size, receipt["head"]["signed_at"], record["input_amount"],
        record["from_currency"], record["output_amount"], record["to_currency"], record["amount_type"],
    )


def verify_export(lines, signed_heads, keys, start_hash=None):
    heads = {}
    for head in signed_heads:
        size, root, chain_hash = verify_head(head, keys)
        require(
            heads.get(size, (root, chain_hash)) == (root, chain_hash),
            "two signed heads of %d records differ: the audit was rewritten" % size,
        )
        heads[size] = (root, chain_hash)
    tree, chain, first, position, proven = MerkleTree(), GENESIS, None, 0, 0
    for line in lines:
        require(not line.startswith(b"audit_id,"), "a CSV file cannot be verified; export NDJSON")
        entry = require_fields(parse_json(line), RECORD_FIELDS + ("position",), "a record")
        current = integer(entry["position"], "position")
        if first is None:
            first, position = current, current - 1
            require(first > 0, "the first position must be 1 or more")
            if first > 1:
                known = start_hash or heads.get(position, (None, None))[1]
                require(
                    known is not None,
                    "the export starts at %d: give a head of %d records, or --start-hash" % (first, position),
                )
                chain = known
        require(current == position + 1, "position %d is missing" % (position + 1))
        position = current
        data = encode_record(entry)
        chain = sha256(chain, data)
        if first == 1:
            tree.append(leaf_hash(data))
        if position in heads:
            root, chain_hash = heads[position]
            require(
                chain == chain_hash and (first > 1 or tree.root() == root),
                "a record up to position %d differs from the signed head" % position,
            )
            proven = position
    require(first is not None, "the export has no record")
    require(proven > 0, "no signed head covers these records")
    beyond = [size for size in heads if size > position]
    return "valid: records %d to %d are proven by signed heads; %d newer are not covered by a head%s\nchain hash: %s" % (
        first, proven, position - proven,
        "; %d heads cover more records than the export" % len(beyond) if beyond else "", chain.hex(),
    )


def verify_consistency(message, old, new, keys):
    require_fields(message, ("from", "to", "proof"), "the proof")
    old_size, old_root, _ = verify_head(old, keys, "old head")
    new_size, new_root, _ = verify_head(new, keys, "new head")
    sizes = integer(message["from"], "from"), integer(message["to"], "to")
    require(sizes == (old_size, new_size), "the proof is for other tree sizes")
    require(
        is_consistent(old_size, old_root, new_size, new_root, hashes(message["proof"], "proof")),
        "the old audit is not the beginning of the new one",
    )
    return "valid: the first %d records of %d are unchanged" % (old_size, new_size)


def verify_vectors(vectors):
    """Checks every vector of docs/audit-vectors.json."""
    key = from_hex(vectors["public_key"], 32, "public_key")
    keys = Keys([key])
    tree, chain, roots = MerkleTree(), GENESIS, {}
    for vector in vectors["records"]:
        data = encode_record(require_fields(vector["record"], RECORD_FIELDS, "record"))
        require(data.hex() == vector["bytes"], "the bytes of a record differ")
        require(leaf_hash(data).hex() == vector["leaf_hash"], "a leaf hash differs")
        require(chain.hex() == vector["previous_hash"], "a previous hash differs")
        chain = sha256(chain, data)
        require(chain.hex() == vector["hash"], "a hash of the chain differs")
        tree.append(leaf_hash(data))
        roots[tree.size] = tree.root()
    for vector in vectors["heads"]:
        head = vector["head"]
        size, root, _ = verify_head(head, keys)
        require(encode_head(head).hex() == vector["bytes"], "the bytes of a head differ")
        require(root == roots[size], "the root of a head differs")
    for vector in vectors["inclusion_proofs"]:
        position, size, proof = vector["position"], vector["tree_size"], hashes(vector["proof"], "proof")
        leaf = bytes.fromhex(vectors["records"][position - 1]["leaf_hash"])
        require(
            root_from_inclusion(leaf, position - 1, size, proof) == roots[size],
            "the inclusion proof of %d in %d is invalid" % (position, size),
        )
    for vector in vectors["consistency_proofs"]:
        old, new, proof = vector["from"], vector["to"], hashes(vector["proof"], "proof")
        require(
            is_consistent(old, roots[old], new, roots[new], proof),
            "the consistency proof of %d and %d is invalid" % (old, new),
        )
    for vector in vectors["key_rotations"]:
        rotation = vector["rotation"]
        require(encode_rotation(rotation).hex() == vector["bytes"], "the bytes of a rotation differ")
        successor = from_hex(rotation["public_key"], 32, "public_key")
        rotated = Keys([key], [rotation])
        require(
            rotated.accept(successor, rotation["tree_size"])
            and not rotated.accept(successor, rotation["tree_size"] - 1),
            "the rotation does not make its new key valid",
        )
    for receipt in vectors["receipts"]:
        verify_receipt(receipt, keys)
    return "valid: %d records, %d heads, %d inclusion proofs, %d consistency proofs, %d key rotations, %d receipts" % tuple(
        len(vectors[name])
        for name in ("records", "heads", "inclusion_proofs", "consistency_proofs", "key_rotations", "receipts")
    )


def read(path):
    with open(path, "rb") as file:
        return file.read()


def heads_of(path):
    """Returns the heads of a file: one JSON object per line, or a response of GET /api/v1/audit/heads."""
    values = [parse_json(line) for line in lines_of(path)]
    if len(values) == 1 and isinstance(values[0], dict) and "heads" in values[0]:
        values = require_fields(values[0], ("heads",), "the list of heads")["heads"]
        require(isinstance(values, list), "heads must be a list")
    return values


def lines_of(path):
    with open(path, "rb") as file:
        for line in file:
            if line.strip():
                yield line


def public_key(value):
    try:
        return from_hex(value.lower(), 32, "the key")
    except Invalid as error:
        raise argparse.ArgumentTypeError(str(error))


def read_keys(arguments):
    if not arguments.rotations:
        return Keys(arguments.key)
    fields = ("public_key", "rotations")
    message = require_fields(parse_json(read(arguments.rotations)), fields, "the list of keys")
    require(isinstance(message["rotations"], list), "rotations must be a list")
    return Keys(arguments.key, message["rotations"])


def results(arguments):
    """Returns one function per proof, which returns its description or raises Invalid."""
    if arguments.command == "vectors":
        return [lambda: verify_vectors(parse_json(read(arguments.file)))]
    keys = read_keys(arguments)
    if arguments.command == "receipt":
        return [
            lambda path=path: verify_receipt(parse_json(read(path)), keys) for path in arguments.files
        ]
    if arguments.command == "export":
        return [
            lambda: verify_export(
                lines_of(arguments.file), heads_of(arguments.heads), keys, arguments.start_hash
            )
        ]
    return [
        lambda: verify_consistency(
            parse_json(read(arguments.file)), parse_json(read(arguments.old)),
            parse_json(read(arguments.new)), keys,
        )
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("receipt", "export", "consistency", "vectors"):
        command = commands.add_parser(name)
        if name == "receipt":
            command.add_argument("files", nargs="+", metavar="file")
        else:
            command.add_argument("file")
        if name == "vectors":
            continue
        command.add_argument("--key", type=public_key, action="append", required=True)
        command.add_argument("--rotations")
        if name == "export":
            command.add_argument("--heads", required=True)
            command.add_argument("--start-hash", type=public_key)
        if name == "consistency":
            command.add_argument("--old", required=True)
            command.add_argument("--new", required=True)
    code = 0
    try:
        for verify in results(parser.parse_args()):
            try:
                print(verify())
            except Invalid as error:
                print("invalid: %s" % error)
                code = 1
    except Invalid as error:
        print("invalid: %s" % error)
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
