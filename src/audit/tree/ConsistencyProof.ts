import * as MerkleTree from "./MerkleTree.ts"

/**
 * Returns the subtrees of PROOF(m, D[n]) of RFC 6962 (2.1.2) as ranges of leaves. `isKnown` is true while the range is
 * the whole earlier tree, whose root the verifier has.
 */
const proofRanges = (
  from: number,
  start: number,
  to: number,
  isKnown: boolean
): ReadonlyArray<MerkleTree.LeafRange> => {
  if (from === to) return isKnown ? [] : [[start, to]]
  const left = MerkleTree.leftWidth(to)
  return from <= left
    ? [...proofRanges(from, start, left, isKnown), [start + left, to - left]]
    : [...proofRanges(from - left, start + left, to - left, false), [start, left]]
}

/** Positions of the nodes that {@link make} needs. */
export const nodes = (from: number, to: number): ReadonlyArray<MerkleTree.NodePosition> =>
  MerkleTree.rangeNodes(proofRanges(from, 0, to, true))

/**
 * Returns the consistency proof of RFC 6962 (2.1.2): the first `from` leaves of a tree of `to` leaves are the earlier
 * tree. Requires 1 ≤ `from` ≤ `to`. `hashes` are those of {@link nodes}, in the same order.
 */
export const make = (from: number, to: number, hashes: ReadonlyArray<Buffer>): ReadonlyArray<Buffer> =>
  MerkleTree.rangeRoots(proofRanges(from, 0, to, true), hashes)

/** Verifies a consistency proof between two roots (RFC 9162, 2.1.4.2). */
export const isValid = (
  earlier: { readonly treeSize: number; readonly rootHash: Buffer },
  later: { readonly treeSize: number; readonly rootHash: Buffer },
  proof: ReadonlyArray<Buffer>
): boolean => {
  const [from, to] = [earlier.treeSize, later.treeSize]
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || from > to) return false
  if (from === to) return proof.length === 0 && earlier.rootHash.equals(later.rootHash)
  // The positions of the last leaf of each tree, on the way from the leaves up to the roots.
  let [fromNode, toNode] = [from - 1, to - 1]
  while (fromNode % 2 === 1) [fromNode, toNode] = [half(fromNode), half(toNode)]
  const [first, ...siblings] = fromNode === 0 ? [earlier.rootHash, ...proof] : proof
  if (first === undefined) return false
  let [fromHash, toHash] = [first, first]
  for (const sibling of siblings) {
    if (toNode === 0) return false
    if (fromNode % 2 === 1 || fromNode === toNode) {
      fromHash = MerkleTree.innerHash(sibling, fromHash)
      toHash = MerkleTree.innerHash(sibling, toHash)
      while (fromNode % 2 === 0 && fromNode !== 0) [fromNode, toNode] = [half(fromNode), half(toNode)]
    } else {
      toHash = MerkleTree.innerHash(toHash, sibling)
    }
    ;[fromNode, toNode] = [half(fromNode), half(toNode)]
  }
  return toNode === 0 && fromHash.equals(earlier.rootHash) && toHash.equals(later.rootHash)
}

const half = (position: number) => Math.floor(position / 2)
