import { assert, describe, it } from "@effect/vitest"
import { sha256 } from "../../../src/audit/CanonicalEncoding.ts"
import * as MerkleTree from "../../../src/audit/tree/MerkleTree.ts"

const leaves = Array.from({ length: 70 }, (_, i) => MerkleTree.leafHash(Buffer.from(`record ${i}`)))

/** MTH of RFC 6962 (2.1), written as in the RFC. */
const rootOf = (hashes: ReadonlyArray<Buffer>): Buffer => {
  const [first] = hashes
  if (first === undefined) return sha256()
  if (hashes.length === 1) return first
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return sha256(Buffer.of(1), rootOf(hashes.slice(0, k)), rootOf(hashes.slice(k)))
}

/** PATH of RFC 6962 (2.1.1), written as in the RFC. */
const pathOf = (m: number, hashes: ReadonlyArray<Buffer>): ReadonlyArray<Buffer> => {
  if (hashes.length <= 1) return []
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return m < k
    ? [...pathOf(m, hashes.slice(0, k)), rootOf(hashes.slice(k))]
    : [...pathOf(m - k, hashes.slice(k)), rootOf(hashes.slice(0, k))]
}

const hex = (hashes: ReadonlyArray<Buffer>) => hashes.map((hash) => hash.toString("hex"))

const newTree = (size: number) => {
  const tree = MerkleTree.resume(0, [])
  for (const leaf of leaves.slice(0, size)) tree.append(leaf)
  return tree
}

/** Returns a lookup of the complete subtrees of a tree. */
const makeNodeHashes = (size: number) => {
  const nodes = new Map(
    newTree(size)
      .takeNewNodes()
      .map(({ hash, index, level }) => [`${level}/${index}`, hash])
  )
  return (positions: ReadonlyArray<MerkleTree.NodePosition>) =>
    positions.map(({ index, level }) => nodes.get(`${level}/${index}`) ?? assert.fail())
}

describe("MerkleTree", () => {
  it("computes the root of RFC 6962 at every size, from all leaves or resumed from peaks", () => {
    for (let size = 0; size < leaves.length; size++) {
      assert.strictEqual(newTree(size).root().toString("hex"), rootOf(leaves.slice(0, size)).toString("hex"))

      const resumed = MerkleTree.resume(size, makeNodeHashes(size)(MerkleTree.peaks(size)))
      for (const leaf of leaves.slice(size)) resumed.append(leaf)
      assert.strictEqual(resumed.root().toString("hex"), rootOf(leaves).toString("hex"))
      assert.strictEqual(resumed.size(), leaves.length)
    }
  })

  it("releases the new nodes that were taken, so that a tree of any size needs little memory", () => {
    const tree = MerkleTree.resume(0, [])
    for (const leaf of leaves.slice(0, 4)) tree.append(leaf)
    const names = () => tree.takeNewNodes().map(({ index, level }) => `${level}/${index}`)
    assert.deepStrictEqual(names(), ["0/0", "0/1", "1/0", "0/2", "0/3", "1/1", "2/0"])
    assert.deepStrictEqual(names(), [])
    tree.append(leaves[4] ?? assert.fail())
    assert.deepStrictEqual(names(), ["0/4"])
    assert.strictEqual(tree.root().toString("hex"), rootOf(leaves.slice(0, 5)).toString("hex"))
  })

  it("computes the inclusion proof of RFC 6962 for every leaf and size from complete subtrees", () => {
    for (let size = 1; size < 40; size++) {
      const nodeHashes = makeNodeHashes(size)
      const root = rootOf(leaves.slice(0, size))
      for (let leaf = 0; leaf < size; leaf++) {
        const proof = MerkleTree.inclusionProof(leaf, size, nodeHashes(MerkleTree.proofNodes(leaf, size)))
        assert.deepStrictEqual(hex(proof), hex(pathOf(leaf, leaves.slice(0, size))))
        const reached = MerkleTree.rootFromProof(leaves[leaf] ?? assert.fail(), leaf, size, proof)
        assert.strictEqual(reached?.toString("hex"), root.toString("hex"))
      }
    }
  })

  it("computes a different root for a wrong leaf or index, and none for a proof of the wrong length", () => {
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
