import type { KeptHead } from "../../api/conversion/ProofMessage.ts"
import type { SignedTreeHead } from "../TreeHead.ts"

/** Decodes a signed head from JSON. */
export const fromMessage = (head: typeof KeptHead.Type): SignedTreeHead => ({
  treeSize: head.tree_size,
  rootHash: Buffer.from(head.root_hash, "hex"),
  chainHash: Buffer.from(head.chain_hash, "hex"),
  signedAt: head.signed_at,
  publicKey: Buffer.from(head.public_key, "hex"),
  signature: Buffer.from(head.signature, "hex")
})
