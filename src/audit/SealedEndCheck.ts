import { Option } from "effect"
import { untrustedKey } from "./heads/KeptHeads.ts"
import * as KeyRotation from "./keys/KeyRotation.ts"
import type { SealedEnd } from "./Seal.ts"
import { isSignedBy } from "./TreeHead.ts"

/**
 * Checks the end of the audit before more records are appended: its newest head must be signed with a trusted key and
 * cover exactly what is sealed. Otherwise the next signature would make a rewritten audit genuine. Returns the fault.
 */
export const findFault = (
  end: SealedEnd,
  root: Buffer,
  trusted: KeyRotation.TrustedKeys
): Option.Option<string> => {
  const { chainHash, size } = end
  const rotationBeyond = KeyRotation.findBeyond(trusted, size)
  if (Option.isSome(rotationBeyond)) return rotationBeyond
  if (Option.isNone(end.head))
    return size === 0
      ? Option.none()
      : Option.some(`${size} records are sealed, but there is no signed head: the heads were deleted`)
  const head = end.head.value
  if (head.treeSize !== size)
    return Option.some(
      `${size} records are sealed, but the newest signed head covers ${head.treeSize}: heads or records were deleted`
    )
  if (!head.rootHash.equals(root) || !head.chainHash.equals(chainHash))
    return Option.some(`the ${size} sealed records differ from the newest signed head: they were rewritten`)
  if (!trusted.accepts(head.publicKey, size)) return Option.some(untrustedKey("the newest head", head))
  return isSignedBy(head, head.publicKey)
    ? Option.none()
    : Option.some(`the signature of the newest head, of ${size} records, is invalid`)
}
