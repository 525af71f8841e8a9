import { EffexError, invalidOption } from "../EffexError.ts"
import * as Json from "../Json.ts"
import type { AuditRecord, Receipt } from "../Values.ts"

/** A conversion whose receipt was verified. */
export interface VerifiedReceipt {
  readonly record: Omit<AuditRecord, "position">
  /** Position of the record in the audit, from 1. */
  readonly position: number
  /** Number of records in the signed audit. */
  readonly treeSize: number
  readonly signedAt: Date
}

const RECORD_VERSION = "effex-audit-v1"
const HEAD_VERSION = "effex-audit-head-v1"

/** Hashed fields of a record, in the order of the hash. */
const RECORD_FIELDS = [
  "audit_id",
  "from_currency",
  "to_currency",
  "input_amount",
  "output_amount",
  "mid_rate",
  "margin",
  "rate",
  "rate_id",
  "provider",
  "rate_fetched_at",
  "stale",
  "amount_type",
  "exact_output",
  "residual",
  "quote_id",
  "reference",
  "principal",
  "converted_at"
] as const

const HEAD_FIELDS = ["tree_size", "root_hash", "chain_hash", "signed_at", "public_key", "signature"] as const

const RECEIPT_FIELDS = ["record", "position", "proof", "head"] as const
const CHAIN_FIELDS = ["previous_hash", "hash"] as const

const MAX_TEXT_LENGTH = 400
const MAX_PROOF_LENGTH = 64
const NULL_LENGTH = 0xffff_ffff
const GENESIS = "0".repeat(64)

/**
 * Verifies a receipt offline: its record is in the audit that the owner of the public key signed (RFC 6962, Ed25519). After
 * a rotation of the key, pass every key that you trust.
 * Rejects with the code `invalid-receipt` and the reason. Pass the text of the receipt if you have it: an object no longer
 * shows whether the text repeated a key.
 */
export const verifyReceipt = async (
  receipt: string | Receipt,
  publicKey: string | ReadonlyArray<string>
): Promise<VerifiedReceipt> => {
  const keys = [publicKey].flat().map((key) => String(key).toLowerCase())
  if (keys.length === 0 || !keys.every((key) => isHex(key, 32))) {
    throw invalidOption("publicKey must be 64 hexadecimal digits, as in the field public_key of a receipt")
  }
  requireWebCrypto()
  const { chain, head, position, proof, record } = parse(receipt)
  if (!keys.includes(head.public_key)) throw invalid("head.public_key is not the given key")
  if (!(await isSigned(head))) throw invalid("the head was not signed with this key")
  const bytes = encode([RECORD_VERSION, ...RECORD_FIELDS.map((field) => textOf(record[field]))])
  const root = await rootOf(await sha256([0], bytes), position - 1, head.tree_size, proof)
  if (root !== head.root_hash) throw invalid("the record and its proof do not produce the signed root")
  if (chain !== undefined) {
    const isLinked =
      (position !== 1 || chain.previous_hash === GENESIS) &&
      (position !== head.tree_size || chain.hash === head.chain_hash) &&
      chain.hash === (await sha256(fromHex(chain.previous_hash), bytes))
    if (!isLinked) throw invalid("the record does not continue the hash chain")
  }
  return {
    record: Json.decode<VerifiedReceipt["record"]>(record),
    position,
    treeSize: head.tree_size,
    signedAt: new Date(head.signed_at)
  }
}

const invalid = (reason: string) =>
  new EffexError({ code: "invalid-receipt", detail: `The receipt is not valid: ${reason}` })

/** Pages have WebCrypto only over HTTPS and on localhost. */
const requireWebCrypto = () => {
  if (globalThis.crypto?.subtle !== undefined) return
  throw new EffexError({
    code: "unsupported-runtime",
    detail: "Receipts are verified with WebCrypto, which pages have only over HTTPS and on localhost"
  })
}

interface ReceiptParts extends Receipt {
  readonly chain?: { readonly previous_hash: string; readonly hash: string } | undefined
}

/** Checks the type of every field. A field that is not hashed could otherwise claim anything. */
const parse = (receipt: string | Receipt): ReceiptParts => {
  const json: unknown = typeof receipt === "string" ? Json.parse(receipt) : receipt
  if (typeof receipt === "string" && hasRepeatedKey(receipt, json)) throw invalid("it repeats a key")
  if (!isReceipt(json)) throw invalid("a field is missing, unknown or of another type")
  return json
}

const isReceipt = (json: unknown): json is ReceiptParts => {
  if (!hasFields(json, RECEIPT_FIELDS, "chain")) return false
  const { chain, head, position, proof, record } = json
  return (
    hasFields(record, RECORD_FIELDS) &&
    RECORD_FIELDS.every((field) => isFieldValue(field, record[field])) &&
    hasFields(head, HEAD_FIELDS) &&
    Number.isSafeInteger(head["tree_size"]) &&
    isHex(head["root_hash"], 32) &&
    isHex(head["chain_hash"], 32) &&
    isHex(head["public_key"], 32) &&
    isHex(head["signature"], 64) &&
    isText(head["signed_at"]) &&
    Number.isSafeInteger(position) &&
    Array.isArray(proof) &&
    proof.length <= MAX_PROOF_LENGTH &&
    proof.every((hash) => isHex(hash, 32)) &&
    (chain === undefined ||
      (hasFields(chain, CHAIN_FIELDS) && isHex(chain["previous_hash"], 32) && isHex(chain["hash"], 32)))
  )
}

const isFieldValue = (field: (typeof RECORD_FIELDS)[number], value: unknown) => {
  if (field === "stale") return typeof value === "boolean"
  return isText(value) || (value === null && (field === "quote_id" || field === "reference"))
}

/** A lone surrogate has no UTF-8 encoding, so different texts would have the same hash. */
const isText = (value: unknown) =>
  typeof value === "string" && value.length <= MAX_TEXT_LENGTH && value.isWellFormed()

const isHex = (value: unknown, bytes: number) =>
  typeof value === "string" && value.length === bytes * 2 && /^[0-9a-f]*$/.test(value)

const hasFields = (
  value: unknown,
  fields: ReadonlyArray<string>,
  optional?: string
): value is Readonly<Record<string, unknown>> =>
  Json.isRecord(value) &&
  fields.every((field) => Object.hasOwn(value, field)) &&
  Object.keys(value).every((field) => fields.includes(field) || field === optional)

/** Readers disagree on which value of a repeated key counts. Compares the keys in the text with those of the value. */
const hasRepeatedKey = (text: string, json: unknown) =>
  (text.match(/"(?:[^"\\]|\\.)*"(?:\s*:)?/g) ?? []).filter((string) => string.endsWith(":")).length !==
  countKeys(json)

const countKeys = (value: unknown): number =>
  typeof value !== "object" || value === null
    ? 0
    : Object.values(value).reduce(
        (sum: number, field: unknown) => sum + countKeys(field),
        Array.isArray(value) ? 0 : Object.keys(value).length
      )

const textOf = (value: string | number | boolean | null | undefined) =>
  value === null || value === undefined ? null : String(value)

/** Encodes each field as its length in four bytes, big-endian, and its UTF-8 bytes. Null is the length 2^32 − 1. */
const encode = (fields: ReadonlyArray<string | null>): Uint8Array<ArrayBuffer> => {
  const encoder = new TextEncoder()
  const bytes: Array<number> = []
  for (const field of fields) {
    const text = field === null ? [] : encoder.encode(field)
    const length = field === null ? NULL_LENGTH : text.length
    bytes.push(length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255, ...text)
  }
  return Uint8Array.from(bytes)
}

const sha256 = async (...parts: ReadonlyArray<ArrayLike<number>>) => {
  const bytes = Uint8Array.from(parts.flatMap((part) => Array.from(part)))
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")
}

const fromHex = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))

const isSigned = async (head: Receipt["head"]) => {
  const key = await crypto.subtle.importKey("raw", fromHex(head.public_key), "Ed25519", false, ["verify"])
  const { chain_hash, root_hash, signed_at, tree_size } = head
  const bytes = encode([HEAD_VERSION, String(tree_size), root_hash, chain_hash, signed_at])
  return crypto.subtle.verify("Ed25519", key, fromHex(head.signature), bytes)
}

/** Computes the root from a leaf and its inclusion proof (RFC 9162, 2.1.3.2). Returns undefined for a wrong length. */
const rootOf = async (leaf: string, index: number, size: number, proof: ReadonlyArray<string>) => {
  if (index < 0 || index >= size) return undefined
  let hash = leaf
  let [node, last] = [index, size - 1]
  for (const sibling of proof) {
    if (last === 0) return undefined
    if (node % 2 === 1 || node === last) {
      hash = await sha256([1], fromHex(sibling), fromHex(hash))
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)]
    } else {
      hash = await sha256([1], fromHex(hash), fromHex(sibling))
    }
    ;[node, last] = [Math.floor(node / 2), Math.floor(last / 2)]
  }
  return last === 0 ? hash : undefined
}
