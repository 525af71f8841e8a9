import { assert, describe, it } from "@effect/vitest"
import { sha256 } from "../../src/audit/CanonicalEncoding.ts"
import * as MerkleTree from "../../src/audit/MerkleTree.ts"

const leaves = Array.from({ length: 70 }, (_, i) => MerkleTree.leafHash(Buffer.from(`record ${i}`)))

/** MTH of RFC 6962, 2.1, word for word. */
const rootOf = (hashes: ReadonlyArray<Buffer>): Buffer => {
  const [first] = hashes
  if (first === undefined) return sha256()
  if (hashes.length === 1) return first
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return sha256(Buffer.of(1), rootOf(hashes.slice(0, k)), rootOf(hashes.slice(k)))
}

/** PATH of RFC 6962, 2.1.1, word for word. */
const pathOf = (m: number, hashes: ReadonlyArray<Buffer>): ReadonlyArray<Buffer> => {
  if (hashes.length <= 1) return []
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return m < k
    ? [...pathOf(m, hashes.slice(0, k)), rootOf(hashes.slice(k))]
    : [...pathOf(m - k, hashes.slice(k)), rootOf(hashes.slice(0, k))]
}

const hex = (hashes: ReadonlyArray<Buffer>) => hashes.map((hash) => hash.toString("hex"))

/** Looks up the complete subtrees of a tree. */
const nodesOf = (size: number) => {
  const tree = MerkleTree.grow(0, [])
  for (const leaf of leaves.slice(0, size)) tree.append(leaf)
  const nodes = new Map(tree.made().map(({ hash, index, level }) => [`${level}/${index}`, hash]))
  return (at: ReadonlyArray<MerkleTree.Coordinates>) =>
    at.map(({ index, level }) => nodes.get(`${level}/${index}`) ?? assert.fail())
}

describe("MerkleTree", () => {
  it("has the root of RFC 6962 at every size, grown in one go or from what was kept", () => {
    for (let size = 0; size < leaves.length; size++) {
      const whole = MerkleTree.grow(0, [])
      for (const leaf of leaves.slice(0, size)) whole.append(leaf)
      assert.strictEqual(whole.root().toString("hex"), rootOf(leaves.slice(0, size)).toString("hex"))

      const grown = MerkleTree.grow(size, nodesOf(size)(MerkleTree.peaks(size)))
      for (const leaf of leaves.slice(size)) grown.append(leaf)
      assert.strictEqual(grown.root().toString("hex"), rootOf(leaves).toString("hex"))
      assert.strictEqual(grown.size(), leaves.length)
    }
  })

  it("proves every leaf of every size as RFC 6962 does, from complete subtrees alone", () => {
    for (let size = 1; size < 40; size++) {
      const nodesAt = nodesOf(size)
      const root = rootOf(leaves.slice(0, size))
      for (let leaf = 0; leaf < size; leaf++) {
        const proof = MerkleTree.inclusionProof(leaf, size, nodesAt(MerkleTree.pathNodes(leaf, size)))
        assert.deepStrictEqual(hex(proof), hex(pathOf(leaf, leaves.slice(0, size))))
        const reached = MerkleTree.rootFromProof(leaves[leaf] ?? assert.fail(), leaf, size, proof)
        assert.strictEqual(reached?.toString("hex"), root.toString("hex"))
      }
    }
  })

  it("leads elsewhere with another leaf, place or proof, and nowhere with a proof of another shape", () => {
    const size = 23
    const root = rootOf(leaves.slice(0, size)).toString("hex")
    const proof = pathOf(9, leaves.slice(0, size))
    const [leaf, other] = [leaves[9] ?? assert.fail(), leaves[10] ?? assert.fail()]
    assert.strictEqual(MerkleTree.rootFromProof(leaf, 9, size, proof)?.toString("hex"), root)
    assert.notStrictEqual(MerkleTree.rootFromProof(other, 9, size, proof)?.toString("hex"), root)
    assert.notStrictEqual(MerkleTree.rootFromProof(leaf, 8, size, proof)?.toString("hex"), root)
    assert.isUndefined(MerkleTree.rootFromProof(leaf, 9, size, proof.slice(1)))
    assert.isUndefined(MerkleTree.rootFromProof(leaf, 9, size, [...proof, leaf]))
    for (const [index, wrongSize] of [
      [-1, size],
      [size, size],
      [1.5, size],
      [0, 2 ** 60]
    ] as const) {
      assert.isUndefined(MerkleTree.rootFromProof(leaf, index, wrongSize, proof))
    }
  })
})
