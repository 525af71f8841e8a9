import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as AuditHash from "../../../../src/audit/AuditHash.ts"
import * as Receipt from "../../../../src/audit/Receipt.ts"
import { makeSigner } from "../../../../src/audit/TreeHead.ts"
import { EffexError } from "../../../../src/client/promise/EffexError.ts"
import { verifyReceipt } from "../../../../src/client/promise/conversion/ReceiptVerifier.ts"
import type * as Values from "../../../../src/client/promise/Values.ts"
import type { AuditRecord } from "../../../../src/domain/conversion/AuditRecord.ts"
import { AuditId } from "../../../../src/domain/conversion/AuditId.ts"

const signer = makeSigner(Buffer.alloc(32, 7))
const publicKey = signer.publicKey.toString("hex")

const record = (index: number): AuditRecord => ({
  audit_id: AuditId.make(`01a22981-45e1-75da-8c6d-${String(index).padStart(12, "0")}`),
  from_currency: "USD",
  to_currency: "NGN",
  input_amount: "500.00",
  output_amount: "760197.48",
  mid_rate: "1528.0351515",
  margin: "0.005",
  rate: "1520.3949757425",
  rate_id: "01a22981-2959-7000-8000-00161b302852",
  provider: "sandbox",
  rate_fetched_at: "2026-11-29T22:51:00.313Z",
  stale: index % 2 === 0,
  amount_type: "source",
  exact_output: "760197.48787125",
  residual: "0.00787125",
  quote_id: null,
  reference: index % 3 === 0 ? `order ${index} – naïve 💱` : null,
  principal: "anonymous",
  converted_at: "2026-11-29T22:51:07.617Z"
})

const sha256 = (...parts: ReadonlyArray<Uint8Array>) =>
  createHash("sha256").update(Buffer.concat(parts)).digest()

/** Largest power of two smaller than `size`, where RFC 6962 splits a tree. */
const splitOf = (size: number) => 2 ** Math.ceil(Math.log2(size) - 1)

/** MTH(D[n]) of RFC 6962 (2.1). */
const rootOf = (leaves: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [leaf = Buffer.of()] = leaves
  if (leaves.length === 1) return sha256(Buffer.of(0), leaf)
  const split = splitOf(leaves.length)
  return sha256(Buffer.of(1), rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)))
}

/** PATH(m, D[n]) of RFC 6962 (2.1.1). */
const proofOf = (index: number, leaves: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  if (leaves.length === 1) return []
  const split = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return index < split
    ? [...proofOf(index, left), rootOf(right)]
    : [...proofOf(index - split, right), rootOf(left)]
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** Makes the receipts of an audit of `size` records. */
const receiptsOf = (size: number): ReadonlyArray<Receipt.Receipt> => {
  const leaves = Array.from({ length: size }, (_, index) => AuditHash.encodeRecord(record(index)))
  let chainHash: Uint8Array = Buffer.alloc(32)
  const links = leaves.map((leaf) => {
    const previous = chainHash
    chainHash = sha256(previous, leaf)
    return { previous_hash: hex(previous), hash: hex(chainHash) }
  })
  const head = Receipt.toReceiptHead(
    signer.sign({
      treeSize: size,
      rootHash: Buffer.from(rootOf(leaves)),
      chainHash: Buffer.from(chainHash),
      signedAt: "2026-11-29T22:51:08.000Z"
    })
  )
  return links.map((chain, index) => ({
    record: record(index),
    position: index + 1,
    proof: proofOf(index, leaves).map(hex),
    chain,
    head
  }))
}

const [first = assert.fail()] = receiptsOf(11).slice(4)

/** Verifies with the client, and with the server's verifier unless it takes other input. Returns the reason. */
const faultOf = async (receipt: unknown, key = publicKey) => {
  const text = typeof receipt === "string" ? receipt : JSON.stringify(receipt)
  const error = await verifyReceipt(text, key).then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  if (error === undefined) return undefined
  assert.instanceOf(error, EffexError)
  assert.strictEqual(error.code, "invalid-receipt")
  return error.detail.replace("The receipt is not valid: ", "")
}

const UNKNOWN_SHAPE = "a field is missing, unknown or of another type"
const OTHER_ROOT = "the record and its proof do not produce the signed root"

describe("verifyReceipt", () => {
  it("accepts every receipt of audits of many sizes, with and without the link of the chain", async () => {
    for (const size of [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 100]) {
      for (const receipt of receiptsOf(size)) {
        const { chain: _, ...withoutChain } = receipt
        const verified = await verifyReceipt(JSON.stringify(receipt), publicKey)
        assert.deepInclude(verified, { position: receipt.position, treeSize: size })
        await verifyReceipt(withoutChain, publicKey.toUpperCase())
      }
    }
  })

  it("returns the record that was proved", async () => {
    const { record, signedAt } = await verifyReceipt(first, publicKey)
    assert.deepInclude(record, {
      outputAmount: "760197.48",
      amountType: "source",
      quoteId: null,
      stale: true
    })
    assert.deepStrictEqual(record.convertedAt, new Date("2026-11-29T22:51:07.617Z"))
    assert.deepStrictEqual(signedAt, new Date("2026-11-29T22:51:08.000Z"))
  })

  it("rejects a change of any field of the record, and of the proof, like the server's verifier", async () => {
    const changes: ReadonlyArray<Receipt.Receipt> = [
      ...Object.keys(first.record).flatMap((field) => {
        const value = Object.entries(first.record).find(([name]) => name === field)?.[1]
        const changed = typeof value === "boolean" ? !value : `${value ?? "0"}1`
        return [{ ...first, record: { ...first.record, [field]: changed } }]
      }),
      ...first.proof.map((_, i) => ({ ...first, proof: first.proof.filter((_, j) => i !== j) })),
      { ...first, proof: [...first.proof, ...first.proof.slice(0, 1)] },
      { ...first, proof: first.proof.toReversed() },
      ...[0, 1, 4, 6, 11, 12].map((position) => ({ ...first, position }))
    ]
    for (const receipt of changes) {
      assert.include([OTHER_ROOT, UNKNOWN_SHAPE], await faultOf(receipt))
      assert.isTrue(Option.isSome(Receipt.findFault(receipt, signer.publicKey)))
    }
  })

  it("rejects a head that the key did not sign", async () => {
    for (const head of [
      { ...first.head, tree_size: 12 },
      { ...first.head, signed_at: "2026-11-29T22:51:09.000Z" },
      { ...first.head, signature: "0".repeat(128) }
    ]) {
      assert.strictEqual(await faultOf({ ...first, head }), "the head was not signed with this key")
    }
    const other = makeSigner(Buffer.alloc(32, 8)).publicKey.toString("hex")
    assert.strictEqual(await faultOf(first, other), "head.public_key is not the given key")
    const head = { ...first.head, public_key: other }
    assert.strictEqual(await faultOf({ ...first, head }), "head.public_key is not the given key")
  })

  it("rejects a record that does not continue the chain", async () => {
    const [genesis = first] = receiptsOf(2)
    const last = receiptsOf(2)[1] ?? first
    const changed = "0".repeat(63) + "1"
    for (const receipt of [
      { ...first, chain: { previous_hash: changed, hash: first.chain?.hash } },
      { ...first, chain: { previous_hash: first.chain?.previous_hash, hash: changed } },
      { ...genesis, chain: last.chain },
      { ...last, chain: genesis.chain }
    ]) {
      assert.strictEqual(await faultOf(receipt), "the record does not continue the hash chain")
    }
  })

  it("rejects what is not hashed: added, missing and repeated fields, and other types", async () => {
    const { provider: _, ...withoutProvider } = first.record
    const receipts: ReadonlyArray<unknown> = [
      { ...first, note: "paid" },
      { ...first, record: { ...first.record, bonus: "1000.00" } },
      { ...first, record: withoutProvider },
      { ...first, record: { ...first.record, stale: "true" } },
      { ...first, record: { ...first.record, quote_id: undefined } },
      { ...first, record: { ...first.record, reference: "\ud800" } },
      { ...first, head: { ...first.head, note: "x" } },
      { ...first, chain: null },
      { ...first, position: "5" },
      { ...first, proof: Array.from({ length: 65 }, () => "0".repeat(64)) },
      [],
      "no JSON"
    ]
    for (const receipt of receipts) assert.strictEqual(await faultOf(receipt), UNKNOWN_SHAPE)
    const repeated = JSON.stringify(first).replace('"rate":', '"output_amount":"9.00","rate":')
    assert.strictEqual(await faultOf(repeated), "it repeats a key")
  })

  it("accepts the vectors of the published format, with any of the trusted keys", async () => {
    const path = join(import.meta.dirname, "../../../../docs/audit-vectors.json")
    const vectors: { readonly public_key: string; readonly receipts: ReadonlyArray<Values.Receipt> } =
      JSON.parse(readFileSync(path, "utf8"))
    assert.isNotEmpty(vectors.receipts)
    for (const receipt of vectors.receipts) {
      const verified = await verifyReceipt(JSON.stringify(receipt), [publicKey, vectors.public_key])
      assert.strictEqual(verified.position, receipt.position)
    }
  })

  it("rejects a key that is none", async () => {
    const none = await verifyReceipt(first, []).then(
      () => undefined,
      (thrown: unknown) => thrown
    )
    assert.deepInclude(none, { code: "invalid-option" })
    const error = await verifyReceipt(first, "secret").then(
      () => undefined,
      (thrown: unknown) => thrown
    )
    assert.deepInclude(error, { code: "invalid-option" })
  })
})
