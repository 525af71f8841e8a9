import { Option } from "effect"
import type { TrustedKeys } from "../keys/KeyRotation.ts"
import { isSignedBy, type SignedTreeHead } from "../TreeHead.ts"

/** Contradiction between a kept head and the others, the trusted keys or the audit. */
export interface HeadFault {
  /** Number of records that the head covers. */
  readonly position: number
  readonly reason: string
}

/**
 * Collects signed heads of which copies were kept outside of the database. Holds only the hashes of each, about 150 bytes,
 * because an audit that is sealed every second has many heads.
 */
export const make = (trusted: TrustedKeys) => {
  const hashes = new Map<number, string>()
  let count = 0

  /** Adds a head. Returns a fault if it cannot be trusted, or contradicts another kept head. */
  const add = (head: SignedTreeHead): Option.Option<HeadFault> => {
    count += 1
    const { publicKey, treeSize } = head
    const fault = (reason: string) => Option.some({ position: treeSize, reason })
    if (!trusted.accepts(publicKey, treeSize)) return fault(untrustedKey("the kept head", head))
    if (!isSignedBy(head, publicKey))
      return fault(`the signature of the kept head of ${treeSize} records is invalid`)
    const known = hashes.get(treeSize)
    if (known !== undefined && known !== digest(head)) {
      return fault(
        `two signed heads of ${treeSize} records have different roots: the audit was rewritten, or an older backup was restored and continued`
      )
    }
    hashes.set(treeSize, digest(head))
    return Option.none()
  }

  /** Returns the largest kept head, if it covers more records than there are. */
  const beyond = (treeSize: number): Option.Option<HeadFault> => {
    let largest = 0
    for (const size of hashes.keys()) largest = Math.max(largest, size)
    return largest > treeSize
      ? Option.some({
          position: largest,
          reason: `a kept head covers ${largest} records, but there are only ${treeSize}: the newest records were deleted, or an older backup was restored`
        })
      : Option.none()
  }

  return {
    add,
    beyond,
    /** Returns true if a head of this size was kept. */
    has: (treeSize: number) => hashes.has(treeSize),
    /** Returns true if the kept head of a tree size has these hashes. */
    matches: (treeSize: number, rootHash: Buffer, chainHash: Buffer) =>
      hashes.get(treeSize) === digest({ rootHash, chainHash }),
    count: () => count
  }
}
export type KeptHeads = ReturnType<typeof make>

/** One string instead of two buffers, which take more memory. */
const digest = ({ chainHash, rootHash }: Pick<SignedTreeHead, "chainHash" | "rootHash">) =>
  rootHash.toString("latin1") + chainHash.toString("latin1")

/** Describes a head whose key is not trusted. */
export const untrustedKey = (name: string, { publicKey, treeSize }: SignedTreeHead) =>
  `${name} of ${treeSize} records is signed with the key ${publicKey.toString("hex")}, which is neither the expected key nor connected to it by a signed key rotation`
