import { sha256 } from "../CanonicalEncoding.ts"

/** A complete subtree of the Merkle tree of RFC 6962 (2.1): its level from the leaves up, its index from the left. */
export interface NodePosition {
  readonly level: number
  readonly index: number
}

export interface TreeNode extends NodePosition {
  readonly hash: Buffer
}

const LEAF_PREFIX = Buffer.of(0)
const INNER_PREFIX = Buffer.of(1)

export const leafHash = (data: Uint8Array): Buffer => sha256(LEAF_PREFIX, data)
export const innerHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(INNER_PREFIX, left, right)

/** Returns the largest complete subtrees of a tree with `size` leaves, from left to right. */
export const peaks = (size: number): ReadonlyArray<NodePosition> => {
  const positions: Array<NodePosition> = []
  let start = 0
  for (let level = Math.floor(Math.log2(Math.max(1, size))); level >= 0; level--) {
    const width = 2 ** level
    if (start + width <= size) {
      positions.push({ level, index: start / width })
      start += width
    }
  }
  return positions
}

/** Resumes an append-only tree of `size` leaves from the hashes of its {@link peaks}. */
export const resume = (size: number, peakHashes: ReadonlyArray<Buffer>) => {
  const edge: Array<TreeNode> = peaks(size).map((position, i) => ({
    ...position,
    hash: peakHashes[i] ?? missing(position)
  }))
  let newNodes: Array<TreeNode> = []

  const append = (leaf: Buffer) => {
    let node: TreeNode = { level: 0, index: size, hash: leaf }
    size += 1
    newNodes.push(node)
    for (let left = edge.at(-1); left?.level === node.level; left = edge.at(-1)) {
      edge.pop()
      node = { level: node.level + 1, index: left.index / 2, hash: innerHash(left.hash, node.hash) }
      newNodes.push(node)
    }
    edge.push(node)
  }

  return {
    /** Appends the hash of a leaf. */
    append,
    /** Returns the nodes that were completed since the previous call, and releases them. */
    takeNewNodes: (): ReadonlyArray<TreeNode> => {
      const taken = newNodes
      newNodes = []
      return taken
    },
    size: () => size,
    root: () => foldPeaks(edge.map(({ hash }) => hash))
  }
}

/** Returns the root of a tree. An empty tree has the hash of no bytes. */
const foldPeaks = (hashes: ReadonlyArray<Buffer>): Buffer =>
  hashes.length === 0 ? sha256() : hashes.reduceRight((right, left) => innerHash(left, right))

/** Consecutive leaves whose tree is a subtree of the whole tree. */
export type LeafRange = readonly [start: number, width: number]

/** Positions of the nodes that {@link rangeRoots} needs. */
export const rangeNodes = (ranges: ReadonlyArray<LeafRange>): ReadonlyArray<NodePosition> =>
  ranges.flatMap(([start, width]) => rangePeaks(start, width))

/** Returns the root of each range. `hashes` are those of {@link rangeNodes}, in the same order. */
export const rangeRoots = (
  ranges: ReadonlyArray<LeafRange>,
  hashes: ReadonlyArray<Buffer>
): ReadonlyArray<Buffer> => {
  let used = 0
  return ranges.map(([start, width]) =>
    foldPeaks(rangePeaks(start, width).map((position) => hashes[used++] ?? missing(position)))
  )
}

/** Positions of the nodes that {@link inclusionProof} needs. */
export const proofNodes = (leaf: number, size: number): ReadonlyArray<NodePosition> =>
  rangeNodes(siblingRanges(leaf, 0, size))

/**
 * Returns the inclusion proof of a leaf in a tree of `size` leaves, PATH(m, D[n]) of RFC 6962 (2.1.1). `hashes` are those
 * of {@link proofNodes}, in the same order.
 */
export const inclusionProof = (
  leaf: number,
  size: number,
  hashes: ReadonlyArray<Buffer>
): ReadonlyArray<Buffer> => rangeRoots(siblingRanges(leaf, 0, size), hashes)

/** Returns the siblings on the path from a leaf to the root, as ranges of leaves. */
const siblingRanges = (leaf: number, start: number, size: number): ReadonlyArray<LeafRange> => {
  if (size <= 1) return []
  const left = leftWidth(size)
  return leaf < left
    ? [...siblingRanges(leaf, start, left), [start + left, size - left]]
    : [...siblingRanges(leaf - left, start + left, size - left), [start, left]]
}

/** Returns the number of leaves in the left subtree of a tree: the largest power of two below its size. */
export const leftWidth = (size: number): number => {
  const width = 2 ** Math.floor(Math.log2(size - 1))
  // The logarithm of a number just below a large power of two is rounded up.
  return width < size ? width : width / 2
}

const rangePeaks = (start: number, width: number): ReadonlyArray<NodePosition> =>
  peaks(width).map(({ index, level }) => ({ level, index: start / 2 ** level + index }))

/**
 * Computes the root from a leaf and its inclusion proof (RFC 9162, 2.1.3.2). Returns undefined for a proof of the wrong
 * length and for an index outside the tree.
 */
export const rootFromProof = (
  leaf: Buffer,
  index: number,
  size: number,
  proof: ReadonlyArray<Buffer>
): Buffer | undefined => {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size)
    return undefined
  const siblings = siblingRanges(index, 0, size)
  if (siblings.length !== proof.length) return undefined
  return proof.reduce((hash, sibling, i) => {
    const isLeft = (siblings[i]?.[0] ?? 0) < index
    return isLeft ? innerHash(sibling, hash) : innerHash(hash, sibling)
  }, leaf)
}

const missing = ({ index, level }: NodePosition): never => {
  throw new Error(`The Merkle tree has no node ${level}/${index}`)
}
