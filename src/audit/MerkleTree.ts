import { sha256 } from "./CanonicalEncoding.ts"

/** The Merkle tree of RFC 6962 (2.1). A node is a complete subtree: its level from the leaves up, its index from the left. */
export interface Coordinates {
  readonly level: number
  readonly index: number
}

export interface Node extends Coordinates {
  readonly hash: Buffer
}

const LEAF = Buffer.of(0)
const INNER = Buffer.of(1)

export const leafHash = (data: Uint8Array): Buffer => sha256(LEAF, data)
const innerHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(INNER, left, right)

/** The complete subtrees of a tree of so many leaves, from the largest at the left to the smallest at the right. */
export const peaks = (size: number): ReadonlyArray<Coordinates> => {
  const found: Array<Coordinates> = []
  let start = 0
  for (let level = Math.floor(Math.log2(Math.max(1, size))); level >= 0; level--) {
    const width = 2 ** level
    if (start + width <= size) {
      found.push({ level, index: start / width })
      start += width
    }
  }
  return found
}

/** A tree that grows at its right: what it knows is its peaks. */
export const grow = (size: number, held: ReadonlyArray<Buffer>) => {
  const edge: Array<Node> = peaks(size).map((at, i) => ({ ...at, hash: held[i] ?? missing(at) }))
  const nodes: Array<Node> = []

  const append = (leaf: Buffer) => {
    let node: Node = { level: 0, index: size, hash: leaf }
    size += 1
    nodes.push(node)
    for (let left = edge.at(-1); left?.level === node.level; left = edge.at(-1)) {
      edge.pop()
      node = { level: node.level + 1, index: left.index / 2, hash: innerHash(left.hash, node.hash) }
      nodes.push(node)
    }
    edge.push(node)
  }

  return {
    /** Adds a leaf at the right. */
    append,
    /** The nodes that were made so far. */
    made: () => nodes,
    size: () => size,
    root: () => fold(edge.map(({ hash }) => hash))
  }
}

/** The root over peaks. The root of no leaves is the hash of nothing. */
const fold = (hashes: ReadonlyArray<Buffer>): Buffer =>
  hashes.length === 0 ? sha256() : hashes.reduceRight((right, left) => innerHash(left, right))

/** The nodes that an inclusion proof of a leaf is made from. */
export const pathNodes = (leaf: number, size: number): ReadonlyArray<Coordinates> =>
  path(leaf, 0, size).flatMap(([start, width]) => subtreePeaks(start, width))

/**
 * The inclusion proof of a leaf in a tree of so many leaves, PATH(m, D[n]) of RFC 6962, 2.1.1, from the hashes of its
 * {@link pathNodes}.
 */
export const inclusionProof = (
  leaf: number,
  size: number,
  hashes: ReadonlyArray<Buffer>
): ReadonlyArray<Buffer> => {
  let used = 0
  return path(leaf, 0, size).map(([start, width]) =>
    fold(subtreePeaks(start, width).map((at) => hashes[used++] ?? missing(at)))
  )
}

/** The siblings on the way from a leaf to the root, as ranges of leaves. */
const path = (
  leaf: number,
  start: number,
  size: number
): ReadonlyArray<readonly [start: number, width: number]> => {
  if (size <= 1) return []
  const left = 2 ** Math.floor(Math.log2(size - 1))
  return leaf < left
    ? [...path(leaf, start, left), [start + left, size - left]]
    : [...path(leaf - left, start + left, size - left), [start, left]]
}

const subtreePeaks = (start: number, width: number): ReadonlyArray<Coordinates> =>
  peaks(width).map(({ index, level }) => ({ level, index: start / 2 ** level + index }))

/** The root that a leaf and its inclusion proof lead to (RFC 9162, 2.1.3.2); none where the proof is of another shape. */
export const rootFromProof = (
  leaf: Buffer,
  index: number,
  size: number,
  proof: ReadonlyArray<Buffer>
): Buffer | undefined => {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size)
    return undefined
  const siblings = path(index, 0, size)
  if (siblings.length !== proof.length) return undefined
  return proof.reduce((hash, sibling, i) => {
    const isLeft = (siblings[i]?.[0] ?? 0) < index
    return isLeft ? innerHash(sibling, hash) : innerHash(hash, sibling)
  }, leaf)
}

const missing = ({ index, level }: Coordinates): never => {
  throw new Error(`The Merkle tree lacks its node ${level}/${index}`)
}
