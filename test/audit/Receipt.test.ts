import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import { chain, encodeRecord, GENESIS } from "../../src/audit/AuditHash.ts"
import { sha256 } from "../../src/audit/CanonicalEncoding.ts"
import * as KeyRotation from "../../src/audit/keys/KeyRotation.ts"
import * as Receipt from "../../src/audit/Receipt.ts"
import { makeSigner } from "../../src/audit/TreeHead.ts"

const recordOf = (n: number) => ({
  audit_id: `01980000-0000-7000-8000-00000000000${n}`,
  from_currency: "USD",
  to_currency: "NGN",
  input_amount: "67.01",
  output_amount: "100000.00",
  mid_rate: "1500",
  margin: "0.005",
  rate: "1492.5",
  rate_id: "01980000-0000-7000-8000-0000000000ff",
  provider: "test",
  rate_fetched_at: "2026-01-02T03:04:05.678Z",
  stale: false,
  amount_type: "target",
  exact_output: "100012.425",
  residual: "12.425",
  quote_id: null,
  reference: "invoice \uFFFD 7",
  principal: "tester",
  converted_at: "2026-01-02T03:04:06.000Z"
})

const signer = makeSigner(Buffer.alloc(32, 1))
const otherSigner = makeSigner(Buffer.alloc(32, 2))

/** Merkle tree hash of RFC 6962, 2.1. */
const rootOf = (leaves: ReadonlyArray<Buffer>): Buffer => {
  if (leaves.length === 1) return sha256(Buffer.of(0), leaves[0] ?? assert.fail())
  const left = 2 ** Math.floor(Math.log2(leaves.length - 1))
  return sha256(Buffer.of(1), rootOf(leaves.slice(0, left)), rootOf(leaves.slice(left)))
}

/** Inclusion proof of RFC 6962, 2.1.1. */
const proofOf = (index: number, leaves: ReadonlyArray<Buffer>): ReadonlyArray<Buffer> => {
  if (leaves.length === 1) return []
  const left = 2 ** Math.floor(Math.log2(leaves.length - 1))
  return index < left
    ? [...proofOf(index, leaves.slice(0, left)), rootOf(leaves.slice(left))]
    : [...proofOf(index - left, leaves.slice(left)), rootOf(leaves.slice(0, left))]
}

/** Receipt of record `position` in an audit of three records. */
const receiptOf = (position: number, sign = signer.sign) => {
  const records = [1, 2, 3].map(recordOf)
  const leaves = records.map(encodeRecord)
  const chainHashes: Array<Buffer> = [GENESIS]
  for (const bytes of leaves) chainHashes.push(chain(chainHashes.at(-1) ?? GENESIS, bytes))
  const head = sign({
    treeSize: records.length,
    rootHash: rootOf(leaves),
    chainHash: chainHashes.at(-1) ?? GENESIS,
    signedAt: "2026-01-02T03:04:07.000Z"
  })
  return {
    record: records[position - 1],
    position,
    proof: proofOf(position - 1, leaves).map((hash) => hash.toString("hex")),
    chain: {
      previous_hash: chainHashes[position - 1]?.toString("hex"),
      hash: chainHashes[position]?.toString("hex")
    },
    head: Receipt.toReceiptHead(head)
  }
}

/** Verifies the text of a receipt. Returns why it is rejected, or undefined. */
const rejection = (text: string | Uint8Array, publicKey: Uint8Array = signer.publicKey) => {
  const receipt = Receipt.parse(typeof text === "string" ? Buffer.from(text) : text)
  return Result.isFailure(receipt)
    ? receipt.failure
    : Option.getOrUndefined(Receipt.findFault(receipt.success, publicKey))
}

const text = JSON.stringify(receiptOf(3))
const replaced = (from: string, to: string) => {
  assert.include(text, from)
  return text.replace(from, to)
}

describe("Receipt", () => {
  it("accepts every record of an audit, with any whitespace, and without a chain as in version 0.1.0", () => {
    for (const position of [1, 2, 3]) {
      const { chain: _, ...old } = receiptOf(position)
      for (const valid of [JSON.stringify(receiptOf(position), null, 2), JSON.stringify(old)])
        assert.isUndefined(rejection(valid), valid)
    }
  })

  it("rejects an object that repeats a key, also with the same value or an escaped spelling", () => {
    const amount = '"output_amount":"100000.00"'
    for (const repeated of [
      replaced(amount, `"output_amount":"1.00",${amount}`),
      replaced(amount, `${amount},${amount}`),
      replaced(amount, `"output\\u005famount":"1.00",${amount}`),
      replaced('"position":3', '"position":1, "position" :3'),
      replaced('"head":{', '"head":{},"head":{'),
      replaced('"tree_size":3', '"tree_size":3,"tree_size":3')
    ])
      assert.strictEqual(
        rejection(repeated),
        "it must be JSON in UTF-8 with integers, and must not repeat a key",
        repeated
      )
  })

  it("rejects unknown fields at every level", () => {
    for (const [from, to] of [
      ['{"record":', '{"note":1,"record":'],
      ['"audit_id":', '"input_amount_":"1.00","audit_id":'],
      ['"audit_id":', '"__proto__":null,"audit_id":'],
      ['"tree_size":', '"extra":null,"tree_size":'],
      ['"previous_hash":', '"position":3,"previous_hash":']
    ] as const)
      assert.include(rejection(replaced(from, to)) ?? "", "Expected no excess property", to)
  })

  it("rejects missing fields and other types", () => {
    for (const [from, to] of [
      ['"stale":false', '"stale":"false"'],
      ['"stale":false', '"stale":null'],
      ['"quote_id":null', '"quote_id":"null"'],
      ['"quote_id":null,', ""],
      ['"reference":"invoice \uFFFD 7"', '"reference":["invoice \uFFFD 7"]'],
      ['"output_amount":"100000.00"', '"output_amount":100000.00'],
      ['"position":3', '"position":"3"'],
      ['"position":3', '"position":3.5'],
      ['"position":3', '"position":3.0'],
      ['"tree_size":3', '"tree_size":3e0'],
      ['"tree_size":3', '"tree_size":"3"'],
      ['"amount_type":"target"', '"amount_type":"both"'],
      ['"proof":[', '"proof":[null,'],
      ['"proof":[', '"proof":["00",']
    ] as const)
      assert.isDefined(rejection(replaced(from, to)), to)
    for (const invalid of ["", "{}", "[]", "null", `${text}x`, `\uFEFF${text}`, "[".repeat(100_000)])
      assert.isDefined(rejection(invalid), invalid.slice(0, 20))
  })

  it("rejects another text that would be encoded to the same bytes", () => {
    const [before = "", after = ""] = text.split("\uFFFD")
    assert.isDefined(rejection(replaced("\uFFFD", "\\ud800")))
    assert.isDefined(rejection(Buffer.concat([Buffer.from(before), Buffer.of(0xff), Buffer.from(after)])))
    assert.isUndefined(rejection(replaced("\uFFFD", "\\ufffd")))
  })

  it("rejects a head of another key, and a head that names another key than the one that signed", () => {
    const others = JSON.stringify(receiptOf(3, otherSigner.sign))
    assert.strictEqual(rejection(others), "head.public_key is not the given key")
    const [key, otherKey] = [signer, otherSigner].map(({ publicKey }) => publicKey.toString("hex"))
    const renamed = replaced(`"public_key":"${key}"`, `"public_key":"${otherKey}"`)
    assert.strictEqual(rejection(renamed), "head.public_key is not the given key")
    assert.strictEqual(rejection(renamed, otherSigner.publicKey), "the head was not signed with this key")
  })

  it("accepts a head of a key that signed rotations connect to the given one, in both directions", () => {
    const rotation = (previous: Option.Option<typeof signer>, treeSize: number) => {
      const unsigned = {
        previousKey: signer.publicKey,
        publicKey: otherSigner.publicKey,
        treeSize,
        rootHash: GENESIS,
        chainHash: GENESIS,
        signedAt: "2026-01-02T00:00:00.000Z"
      }
      const bytes = KeyRotation.encode(unsigned)
      return KeyRotation.toMessage({
        ...unsigned,
        previousSignature: Option.map(previous, ({ signBytes }) => signBytes(bytes)),
        signature: otherSigner.signBytes(bytes)
      })
    }
    const rejectionWith = (json: ReturnType<typeof rotation>, sign: typeof signer, publicKey: Uint8Array) => {
      const keys = { public_key: otherSigner.publicKey.toString("hex"), rotations: [json] }
      const rotations = Result.getOrThrow(Receipt.parseRotations(Buffer.from(JSON.stringify(keys))))
      const receipt = Result.getOrThrow(Receipt.parse(Buffer.from(JSON.stringify(receiptOf(3, sign.sign)))))
      return Option.getOrUndefined(Receipt.findFault(receipt, publicKey, rotations))
    }
    const unconnected = "head.public_key is not the given key, and no signed rotation connects them"
    const signed = rotation(Option.some(signer), 3)
    assert.isUndefined(rejectionWith(signed, otherSigner, signer.publicKey))
    assert.isUndefined(rejectionWith(signed, signer, otherSigner.publicKey))
    assert.strictEqual(
      rejectionWith(rotation(Option.some(signer), 4), otherSigner, signer.publicKey),
      unconnected
    )
    assert.strictEqual(rejectionWith(rotation(Option.none(), 3), otherSigner, signer.publicKey), unconnected)
    const forged = { ...signed, previous_signature: signed.signature }
    assert.strictEqual(rejectionWith(forged, otherSigner, signer.publicKey), unconnected)
    for (const invalid of ["{}", '{"public_key":"","rotations":[]}', JSON.stringify([signed])])
      assert.isTrue(Result.isFailure(Receipt.parseRotations(Buffer.from(invalid))), invalid)
  })

  it("rejects any other digit of the record, the proof, the chain and the head", () => {
    for (const position of [1, 2, 3]) {
      const receipt = receiptOf(position)
      const original = JSON.stringify(receipt)
      const hashes = [
        ...receipt.proof,
        receipt.head.root_hash,
        receipt.head.chain_hash,
        receipt.head.signature,
        receipt.chain.hash,
        receipt.chain.previous_hash
      ]
      for (const hash of hashes.map(String)) {
        const changed = `${hash.startsWith("1") ? "2" : "1"}${hash.slice(1)}`
        assert.isDefined(rejection(original.replaceAll(hash, changed)), hash)
        assert.isDefined(rejection(original.replace(hash, hash.slice(2))), hash)
      }
      for (const [name, value] of Object.entries(receipt.record ?? {})) {
        const record = { ...receipt.record, [name]: typeof value === "boolean" ? !value : "1" }
        assert.isDefined(rejection(JSON.stringify({ ...receipt, record })), name)
      }
      for (const other of [-1, 0, 4, 2 ** 53, position + 1, position - 1])
        assert.isDefined(rejection(JSON.stringify({ ...receipt, position: other })), String(other))
      for (const tree_size of [0, 1, 2, 4, -3])
        assert.isDefined(rejection(JSON.stringify({ ...receipt, head: { ...receipt.head, tree_size } })))
    }
  })

  it("rejects a chain that starts or ends elsewhere", () => {
    for (const position of [1, 3]) {
      const receipt = receiptOf(position)
      const previous = Buffer.alloc(32, 9)
      const bytes = encodeRecord(receipt.record ?? assert.fail())
      const link = {
        previous_hash: previous.toString("hex"),
        hash: chain(previous, bytes).toString("hex")
      }
      assert.strictEqual(
        rejection(JSON.stringify({ ...receipt, chain: link })),
        "the record does not continue the hash chain"
      )
    }
  })
})
