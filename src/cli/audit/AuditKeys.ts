import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { AuditKeys } from "../../audit/keys/AuditKeys.ts"
import * as Ed25519 from "../../audit/keys/Ed25519.ts"
import * as KeyRotation from "../../audit/keys/KeyRotation.ts"
import * as SigningKeyFile from "../../audit/keys/SigningKeyFile.ts"
import { Settings } from "../../config/Settings.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { parsePublicKey } from "../arguments/PublicKeyFlag.ts"
import * as Table from "../view/Table.ts"

/** `effex audit keys`: prints the public key and its rotations. */
export const list = Command.make(
  "keys",
  { json: jsonFlag },
  Effect.fn(function* ({ json }) {
    const { publicKey, rotations } = yield* AuditKeys
    const found = (yield* rotations).map(KeyRotation.toMessage)
    const message = { public_key: publicKey.toString("hex"), rotations: found }
    if (json) return yield* Console.log(JSON.stringify(message))
    yield* Console.log(Table.render({ public_key: message.public_key }))
    const rows = found.map(({ previous_key, previous_signature, public_key, signed_at, tree_size }) => ({
      previous_key,
      public_key,
      tree_size,
      signed_at,
      signed_by: previous_signature === null ? "the new key" : "both keys"
    }))
    if (rows.length > 0) yield* Console.log(Table.renderRows(rows))
  })
).pipe(Command.withDescription("Print the public key that signs the audit, and its rotations"))

/** `effex audit rotate-key`: replaces the signing key. */
export const rotate = Command.make(
  "rotate-key",
  {
    newKey: Flag.String("new-key").pipe(
      Flag.withDescription(
        "A file with the new private key, 32 bytes in base64. Without it, one is generated"
      ),
      Flag.optional
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ json, newKey }) {
    const keys = yield* AuditKeys
    const { auditSigningKey, dataDir } = yield* Settings
    const seed = yield* Option.match(newKey, {
      onNone: () => SigningKeyFile.newSeed,
      onSome: SigningKeyFile.readSeed
    })
    const record = keys.rotate(Ed25519.fromSeed(Buffer.from(seed, "base64")))
    const print = (rotation: KeyRotation.SignedKeyRotation, secret: string | undefined) => {
      const message = {
        ...(secret === undefined ? {} : { signing_key: secret }),
        ...KeyRotation.toMessage(rotation)
      }
      const { previous_key, public_key, tree_size } = message
      return json
        ? Console.log(JSON.stringify(message))
        : Effect.andThen(
            secret === undefined ? Effect.void : Console.log(secret),
            Console.error(Table.render({ previous_key, public_key, tree_size }))
          )
    }
    if (Option.isNone(auditSigningKey)) {
      const { file, previous, recorded } = yield* SigningKeyFile.replace(
        dataDir,
        { previousKey: keys.publicKey, seed },
        record
      )
      yield* print(recorded, undefined)
      return yield* Console.error(
        `${file} has the new key, and ${previous} the previous one. Restart the nodes one by one; both keys may sign`
      )
    }
    // Standard output has only the key, so that it can be stored in a variable or a file.
    yield* print(yield* record, Option.isNone(newKey) ? seed : undefined)
    yield* Console.error(
      "Set AUDIT_SIGNING_KEY to the new key and restart the nodes one by one; until then both keys may sign"
    )
  })
).pipe(
  Command.withDescription(
    "Replace the key that signs the audit. The previous key signs the new one, so that earlier receipts and heads stay valid"
  )
)

/** `effex audit replace-lost-key`: continues an audit whose key was lost. */
export const replaceLost = Command.make(
  "replace-lost-key",
  {
    key: Argument.String("key").pipe(
      Argument.withDescription(
        "The public key that was lost: hexadecimal, base64 or PEM, or a file with one of them"
      )
    )
  },
  Effect.fn(function* ({ key }) {
    const keys = yield* AuditKeys
    const rotation = yield* keys.replaceLost(yield* parsePublicKey(key))
    yield* Console.log(
      `The key ${rotation.publicKey.toString("hex")} vouches for the ${rotation.treeSize} records that were signed with the lost key. Publish it: clients that know only the lost key cannot verify what follows`
    )
  })
).pipe(
  Command.withDescription(
    "Continue the audit with the current key after its previous key was lost. Verify the audit with the heads that you kept first"
  )
)
