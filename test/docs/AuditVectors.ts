import { Option, Struct } from "effect"
import { chain, encodeRecord, GENESIS } from "../../src/audit/AuditHash.ts"
import * as CanonicalEncoding from "../../src/audit/CanonicalEncoding.ts"
import * as ConsistencyProof from "../../src/audit/tree/ConsistencyProof.ts"
import * as KeyRotation from "../../src/audit/keys/KeyRotation.ts"
import * as MerkleTree from "../../src/audit/tree/MerkleTree.ts"
import { toReceiptHead } from "../../src/audit/Receipt.ts"
import { makeSigner } from "../../src/audit/TreeHead.ts"

const SEED = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
const SUCCESSOR_SEED = Buffer.from(Array.from({ length: 32 }, (_, i) => 255 - i))

const base = {
  from_currency: "USD",
  to_currency: "NGN",
  input_amount: "500.00",
  output_amount: "746250.00",
  mid_rate: "1500",
  margin: "0.005",
  rate: "1492.5",
  rate_id: "01980000-0000-7000-8000-0000000000ff",
  provider: "sandbox",
  rate_fetched_at: "2026-01-02T03:04:05.678Z",
  stale: false,
  amount_type: "source",
  exact_output: "746250",
  residual: "0",
  quote_id: null,
  reference: null,
  principal: "anonymous"
} as const

/** Differences of each record from `base`: nulls, text beyond ASCII, both amount types, several minor units. */
const variants: ReadonlyArray<Readonly<Record<string, string | boolean | null>>> = [
  {},
  { reference: "Überweisung № 7 — ₦ 😀" },
  {
    input_amount: "67.01",
    output_amount: "100000.00",
    amount_type: "target",
    exact_output: "100012.425",
    residual: "12.425"
  },
  { quote_id: "01980000-0000-7000-8000-0000000000ee", reference: "null" },
  { stale: true, provider: "flutterwave", reference: 'a "b", {c} \\ d' },
  {
    to_currency: "UGX",
    mid_rate: "3700.123456789",
    rate: "3681.622839505055",
    output_amount: "1840811",
    exact_output: "1840811.4197525275",
    residual: "0.4197525275"
  },
  { principal: "01980000-0000-7000-8000-0000000000dd", reference: " spaces " }
]

const records = variants.map((variant, i) => ({
  audit_id: `01980000-0000-7000-8000-00000000000${i + 1}`,
  ...base,
  ...variant,
  converted_at: `2026-01-02T03:04:0${i + 1}.000Z`
}))

const hex = (bytes: Buffer) => bytes.toString("hex")
const upTo = (end: number) => Array.from({ length: end }, (_, i) => i + 1)

/** Computes the vectors of `docs/audit-vectors.json`. */
export const makeVectors = () => {
  const signer = makeSigner(SEED)
  const successor = makeSigner(SUCCESSOR_SEED)
  const tree = MerkleTree.resume(0, [])
  const nodes = new Map<string, Buffer>()
  const nodeHashes = (positions: ReadonlyArray<MerkleTree.NodePosition>) =>
    positions.map(({ index, level }) => nodes.get(`${level}/${index}`) ?? Buffer.alloc(0))

  let chainHash: Buffer = GENESIS
  const recordVectors: Array<ReturnType<typeof toRecordVector>> = []
  const heads: Array<ReturnType<typeof signer.sign>> = []
  const toRecordVector = (record: (typeof records)[number], previous: Buffer, bytes: Buffer) => ({
    record,
    bytes: hex(bytes),
    leaf_hash: hex(MerkleTree.leafHash(bytes)),
    previous_hash: hex(previous),
    hash: hex(chain(previous, bytes))
  })
  for (const record of records) {
    const bytes = encodeRecord(record)
    recordVectors.push(toRecordVector(record, chainHash, bytes))
    chainHash = chain(chainHash, bytes)
    tree.append(MerkleTree.leafHash(bytes))
    for (const { hash, index, level } of tree.takeNewNodes()) nodes.set(`${level}/${index}`, hash)
    const treeSize = tree.size()
    const signedAt = `2026-01-02T03:05:0${treeSize}.000Z`
    heads.push(signer.sign({ treeSize, rootHash: tree.root(), chainHash, signedAt }))
  }

  const inclusion = upTo(records.length).flatMap((size) =>
    upTo(size).map((position) => ({
      position,
      tree_size: size,
      proof: MerkleTree.inclusionProof(
        position - 1,
        size,
        nodeHashes(MerkleTree.proofNodes(position - 1, size))
      ).map(hex)
    }))
  )
  const consistency = upTo(records.length).flatMap((to) =>
    upTo(to).map((from) => ({
      from,
      to,
      proof: ConsistencyProof.make(from, to, nodeHashes(ConsistencyProof.nodes(from, to))).map(hex)
    }))
  )
  const last = heads.at(-1)
  if (last === undefined) throw new Error("no records")
  const receipts = recordVectors.map(({ hash, previous_hash, record }, i) => ({
    record,
    position: i + 1,
    proof: inclusion.find(({ position, tree_size }) => position === i + 1 && tree_size === records.length)
      ?.proof,
    chain: { previous_hash, hash },
    head: toReceiptHead(last)
  }))
  /** As version 0.1.0 issued it. */
  const withoutChain = receipts.slice(2, 3).map((receipt) => Struct.omit(receipt, ["chain"]))
  const rotation = { ...last, previousKey: signer.publicKey, publicKey: successor.publicKey }
  const rotationBytes = KeyRotation.encode(rotation)
  return {
    seed: hex(SEED),
    public_key: hex(signer.publicKey),
    records: recordVectors,
    heads: heads.map((head) => ({
      head: toReceiptHead(head),
      bytes: hex(
        CanonicalEncoding.encode([
          "effex-audit-head-v1",
          String(head.treeSize),
          hex(head.rootHash),
          hex(head.chainHash),
          head.signedAt
        ])
      )
    })),
    inclusion_proofs: inclusion,
    consistency_proofs: consistency,
    key_rotations: [
      {
        rotation: KeyRotation.toMessage({
          ...rotation,
          previousSignature: Option.some(signer.signBytes(rotationBytes)),
          signature: successor.signBytes(rotationBytes)
        }),
        bytes: hex(rotationBytes)
      }
    ],
    receipts: [...receipts, ...withoutChain]
  }
}

/** Formats the vectors as the file has them: one vector per line. */
export const format = (vectors: ReturnType<typeof makeVectors>): string => {
  const sections = Object.entries(vectors).map(([name, section]) =>
    typeof section === "string"
      ? `  "${name}": "${section}"`
      : `  "${name}": [\n${section.map((vector) => `    ${JSON.stringify(vector)}`).join(",\n")}\n  ]`
  )
  return `{\n${sections.join(",\n")}\n}\n`
}
