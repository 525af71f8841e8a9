import { Option, Result, Schema } from "effect"
import { ConsistencyMessage } from "../../api/conversion/ProofMessage.ts"
import * as StrictJson from "../../domain/StrictJson.ts"
import * as ConsistencyProof from "../tree/ConsistencyProof.ts"
import * as KeptHeads from "./KeptHeads.ts"
import type { TrustedKeys } from "../keys/KeyRotation.ts"
import type { SignedTreeHead } from "../TreeHead.ts"

type Proof = typeof ConsistencyMessage.Type

const decode = Schema.decodeUnknownResult(ConsistencyMessage)

/** Parses a response of `GET /api/v1/audit/consistency`. */
export const parseProof = (text: string): Result.Result<Proof, string> =>
  Option.match(StrictJson.parse(text), {
    onNone: () => Result.fail("it is not valid JSON"),
    onSome: (json) => Result.mapError(decode(json), ({ message }) => message)
  })

/**
 * Verifies that a head and the heads that were kept earlier belong to one audit: heads of the same size are equal, and the
 * proof connects the head with the newest kept one. Returns why they do not.
 */
export const findFault = (
  head: SignedTreeHead,
  keptHeads: ReadonlyArray<SignedTreeHead>,
  proof: Option.Option<Proof>,
  trusted: TrustedKeys
): Option.Option<string> => {
  const kept = KeptHeads.make(trusted)
  for (const each of [...keptHeads, head]) {
    const fault = kept.add(each)
    if (Option.isSome(fault)) return Option.some(fault.value.reason)
  }
  const newest = keptHeads.reduce(
    (one, other) => (other.treeSize > one.treeSize ? other : one),
    keptHeads[0] ?? head
  )
  if (newest.treeSize === head.treeSize) return Option.none()
  const [earlier, later] = newest.treeSize < head.treeSize ? [newest, head] : [head, newest]
  const [from, to] = [earlier.treeSize, later.treeSize]
  if (Option.isNone(proof)) {
    return Option.some(
      `it needs the proof that connects it with the kept head of ${newest.treeSize} records: save the response of /api/v1/audit/consistency?from=${from}&to=${to}, and pass it with --consistency`
    )
  }
  if (proof.value.from !== from || proof.value.to !== to)
    return Option.some(
      `the consistency proof connects ${proof.value.from} and ${proof.value.to} records; it must connect ${from} and ${to}`
    )
  const hashes = proof.value.proof.map((hash) => Buffer.from(hash, "hex"))
  return ConsistencyProof.isValid(earlier, later, hashes)
    ? Option.none()
    : Option.some(
        `the audit of ${to} records does not continue the audit of ${from} records: one of them was rewritten`
      )
}
