import { Schema } from "effect"
import { TimestampText } from "../../domain/Timestamp.ts"

const bytes = (length: number) =>
  Schema.String.check(Schema.isPattern(new RegExp(`^[0-9a-f]{${length * 2}}$`))).annotate({
    description: `${length} bytes in hexadecimal`
  })

const Hash = bytes(32)
const Signature = bytes(64)
const TreeSize = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const Time = TimestampText.check(Schema.isMaxLength(40))

/** Signed head that a client kept. */
export const KeptHead = Schema.Struct({
  tree_size: TreeSize,
  root_hash: Hash,
  chain_hash: Hash,
  signed_at: Time,
  public_key: Hash,
  signature: Signature
}).annotate({ identifier: "KeptHead" })

const MAX_HEADS_PER_REQUEST = 100

/** Body of `POST /api/v1/audit/verify`. */
export const VerifyBody = Schema.Struct({
  heads: Schema.Array(KeptHead).check(Schema.isMinLength(1), Schema.isMaxLength(MAX_HEADS_PER_REQUEST)),
  public_key: Schema.optionalKey(
    Hash.annotate({ description: "The public key to trust. Default: the key of the node" })
  )
}).annotate({ identifier: "VerifyRequest" })

/** Consistency proof between two sizes of the audit. */
export const ConsistencyMessage = Schema.Struct({
  from: Schema.Int,
  to: Schema.Int,
  proof: Schema.Array(Hash)
}).annotate({ identifier: "Consistency" })

/** Replacement of the key that signs the audit. */
export const KeyRotationMessage = Schema.Struct({
  previous_key: Hash,
  public_key: Hash,
  tree_size: TreeSize,
  root_hash: Hash,
  chain_hash: Hash,
  signed_at: Time,
  /** Null if the previous key was lost. */
  previous_signature: Schema.NullOr(Signature),
  signature: Signature
}).annotate({ identifier: "KeyRotation" })

/** Signing key of the node, and the rotations that connect it to earlier keys. */
export const KeysMessage = Schema.Struct({
  public_key: Hash,
  rotations: Schema.Array(KeyRotationMessage)
}).annotate({ identifier: "AuditKeys" })
