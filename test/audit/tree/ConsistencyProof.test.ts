import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { sha256 } from "../../../src/audit/CanonicalEncoding.ts"
import * as ConsistencyProof from "../../../src/audit/tree/ConsistencyProof.ts"
import * as MerkleTree from "../../../src/audit/tree/MerkleTree.ts"

/** Leaves of the test vectors of Certificate Transparency (`merkle_tree_test.cc`), in hexadecimal. */
const LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f"
].map((leaf) => MerkleTree.leafHash(Buffer.from(leaf, "hex")))

/** Roots of the trees of the first 1 to 8 of these leaves. */
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
]

/** Consistency proofs of the same test vectors. */
const PROOFS: ReadonlyArray<readonly [from: number, to: number, proof: ReadonlyArray<string>]> = [
  [1, 1, []],
  [
    1,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
    ]
  ],
  [
    6,
    8,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
    ]
  ],
  [
    2,
    5,
    [
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
    ]
  ]
]

/** SUBPROOF of RFC 6962 (2.1.2), written as in the RFC. */
const subproof = (m: number, hashes: ReadonlyArray<Buffer>, isKnown: boolean): ReadonlyArray<Buffer> => {
  if (m === hashes.length) return isKnown ? [] : [rootOf(hashes)]
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return m <= k
    ? [...subproof(m, hashes.slice(0, k), isKnown), rootOf(hashes.slice(k))]
    : [...subproof(m - k, hashes.slice(k), false), rootOf(hashes.slice(0, k))]
}

const rootOf = (hashes: ReadonlyArray<Buffer>): Buffer => {
  const [first] = hashes
  if (first === undefined) return sha256()
  if (hashes.length === 1) return first
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return sha256(Buffer.of(1), rootOf(hashes.slice(0, k)), rootOf(hashes.slice(k)))
}

const leavesOf = (size: number, seed = "record") =>
  Array.from({ length: size }, (_, i) => MerkleTree.leafHash(Buffer.from(`${seed} ${i}`)))

const headOf = (leaves: ReadonlyArray<Buffer>) => ({ treeSize: leaves.length, rootHash: rootOf(leaves) })

/** Proves from the nodes that are stored for a tree. */
const proveFrom = (from: number, leaves: ReadonlyArray<Buffer>) => {
  const tree = MerkleTree.resume(0, [])
  for (const leaf of leaves) tree.append(leaf)
  const stored = new Map(
    tree.takeNewNodes().map(({ hash, index, level }) => [`${level}/${index}`, hash] as const)
  )
  const hashes = ConsistencyProof.nodes(from, leaves.length).map(
    ({ index, level }) => stored.get(`${level}/${index}`) ?? assert.fail()
  )
  return ConsistencyProof.make(from, leaves.length, hashes)
}

const hex = (hashes: ReadonlyArray<Buffer>) => hashes.map((hash) => hash.toString("hex"))

const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 }))
const Choice = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))

describe("ConsistencyProof", () => {
  it("computes the roots and proofs of the Certificate Transparency test vectors", () => {
    const heads = ROOTS.map((root, i) => ({ treeSize: i + 1, rootHash: Buffer.from(root, "hex") }))
    for (const [i, root] of ROOTS.entries())
      assert.strictEqual(rootOf(LEAVES.slice(0, i + 1)).toString("hex"), root)
    for (const [from, to, proof] of PROOFS) {
      assert.deepStrictEqual(hex(proveFrom(from, LEAVES.slice(0, to))), proof)
      const [earlier = assert.fail(), later = assert.fail()] = [heads[from - 1], heads[to - 1]]
      assert.isTrue(
        ConsistencyProof.isValid(
          earlier,
          later,
          proof.map((hash) => Buffer.from(hash, "hex"))
        )
      )
    }
  })

  it("computes a valid proof as in the RFC for all sizes up to 40", () => {
    for (let to = 1; to <= 40; to++) {
      const leaves = leavesOf(to)
      for (let from = 1; from <= to; from++) {
        const proof = proveFrom(from, leaves)
        assert.deepStrictEqual(hex(proof), hex(subproof(from, leaves, true)))
        assert.isTrue(ConsistencyProof.isValid(headOf(leaves.slice(0, from)), headOf(leaves), proof))
      }
    }
  })

  it.prop(
    "rejects a proof of a tree whose earlier leaves were changed",
    [Size, Size, Choice],
    ([a, b, seed]) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)]
      const leaves = leavesOf(to)
      const changed = leaves.with(seed % from, MerkleTree.leafHash(Buffer.from("changed")))
      assert.isFalse(
        ConsistencyProof.isValid(headOf(leaves.slice(0, from)), headOf(changed), proveFrom(from, changed))
      )
    }
  )

  it.prop(
    "rejects a proof that is too short, too long, altered, or for other sizes",
    [Size, Size, Choice],
    ([a, b, seed]) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)]
      const leaves = leavesOf(to)
      const [earlier, later, proof] = [headOf(leaves.slice(0, from)), headOf(leaves), proveFrom(from, leaves)]
      assert.isTrue(ConsistencyProof.isValid(earlier, later, proof))
      assert.isFalse(ConsistencyProof.isValid(earlier, later, [...proof, leaves[0] ?? assert.fail()]))
      if (proof.length > 0) {
        assert.isFalse(ConsistencyProof.isValid(earlier, later, proof.slice(1)))
        assert.isFalse(ConsistencyProof.isValid(earlier, later, proof.slice(0, -1)))
        const altered = proof.with(seed % proof.length, Buffer.alloc(32, 9))
        assert.isFalse(ConsistencyProof.isValid(earlier, later, altered))
      }
      if (from < to) {
        const other = { ...earlier, treeSize: from + 1 }
        assert.isFalse(from + 1 < to && ConsistencyProof.isValid(other, later, proveFrom(from + 1, leaves)))
        assert.isFalse(ConsistencyProof.isValid(later, earlier, proof))
      }
    }
  )

  it("rejects sizes that are not positive integers", () => {
    const head = headOf(leavesOf(4))
    for (const treeSize of [0, -1, 1.5, Number.NaN, 2 ** 60])
      assert.isFalse(ConsistencyProof.isValid({ ...head, treeSize }, head, []))
  })
})
