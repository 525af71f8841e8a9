import * as NodeServices from "@effect/platform-node/NodeServices"
import { Context, Effect, Layer, Option, Redacted, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { createCipheriv, createDecipheriv, createHash } from "node:crypto"
import { Settings } from "../../config/Settings.ts"
import type { UserId } from "../../domain/accounts/User.ts"
import * as SecretFile from "../../platform/SecretFile.ts"

const KEY_BYTES = 32
const MAX_KEYS = 2
const ALGORITHM = "aes-256-gcm"
/** Lengths that NIST SP 800-38D recommends. */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const FILE = { name: "mfa-encryption-key", setting: "MFA_ENCRYPTION_KEY" }

/** An encrypted secret, as it is stored. */
export interface EncryptedSecret {
  readonly keyId: string
  /** Nonce, authentication tag and ciphertext. */
  readonly bytes: Uint8Array
}

/** The secret was encrypted with a key that this node does not have, or was changed in the database. */
export class UnreadableSecret extends Schema.TaggedError<UnreadableSecret>()("UnreadableSecret", {
  keyId: Schema.String
}) {
  override get message(): string {
    return `The second factor was encrypted with the key ${this.keyId}, which ${FILE.setting} does not have, or was changed`
  }
}

/**
 * Encrypts the secrets of second factors with AES-256-GCM. The id of the user is authenticated, so that a secret cannot be
 * moved to another user. The first key encrypts, both decrypt: during a rotation the secrets of the previous key stay readable.
 */
export class MfaSecrets extends Context.Service<
  MfaSecrets,
  {
    readonly encrypt: (user: UserId, secret: Uint8Array) => Effect.Effect<EncryptedSecret>
    /** False for a secret of the previous key, which has to be encrypted again before that key is removed. */
    readonly isCurrent: (secret: EncryptedSecret) => boolean
    readonly decrypt: (user: UserId, secret: EncryptedSecret) => Effect.Effect<Uint8Array, UnreadableSecret>
  }
>()("effex/accounts/mfa/MfaSecrets") {
  /** Uses `MFA_ENCRYPTION_KEY`, else the key file in `DATA_DIR`, which is created on the first start. */
  static readonly layer: Layer.Layer<
    MfaSecrets,
    SecretFile.SecretFileError,
    Settings | SecureRandom.SecureRandom
  > = Layer.effect(
    MfaSecrets,
    Effect.gen(function* () {
      const { dataDir, mfaEncryptionKeys } = yield* Settings
      const random = yield* SecureRandom.SecureRandom
      const texts = Option.isSome(mfaEncryptionKeys)
        ? mfaEncryptionKeys.value.map(Redacted.value)
        : yield* readFile(dataDir)
      const keys = texts.map((text) => Buffer.from(text, "base64"))
      const [current] = keys
      if (current === undefined)
        return yield* new SecretFile.SecretFileError({ ...FILE, path: dataDir, detail: "it has no key" })
      const keyById = new Map(keys.map((key) => [idOf(key), key]))

      const encrypt: MfaSecrets["Service"]["encrypt"] = (user, secret) =>
        Effect.map(random.randomBytes(NONCE_BYTES), (nonce) => {
          const cipher = createCipheriv(ALGORITHM, current, nonce).setAAD(Buffer.from(user))
          const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()])
          return { keyId: idOf(current), bytes: Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]) }
        })

      const decrypt: MfaSecrets["Service"]["decrypt"] = (user, { bytes, keyId }) =>
        Effect.suspend(() => {
          const unreadable = new UnreadableSecret({ keyId })
          const key = keyById.get(keyId)
          if (key === undefined) return Effect.fail(unreadable)
          const tagEnd = NONCE_BYTES + TAG_BYTES
          return Effect.try({
            try: (): Uint8Array => {
              const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
                authTagLength: TAG_BYTES
              })
              decipher.setAAD(Buffer.from(user)).setAuthTag(bytes.subarray(NONCE_BYTES, tagEnd))
              return Buffer.concat([decipher.update(bytes.subarray(tagEnd)), decipher.final()])
            },
            catch: () => unreadable
          })
        })

      return MfaSecrets.of({ encrypt, isCurrent: ({ keyId }) => keyId === idOf(current), decrypt })
    })
  ).pipe(Layer.provide(NodeServices.layer))
}

/** Names a key without revealing it. */
const idOf = (key: Uint8Array) =>
  createHash("sha256").update("effex mfa key\0").update(key).digest("hex").slice(0, 16)

const readFile = Effect.fnUntraced(function* (directory: string) {
  const random = yield* SecureRandom.SecureRandom
  const generate = Effect.map(random.randomBytes(KEY_BYTES), (key) => Buffer.from(key).toString("base64"))
  const { file, text } = yield* SecretFile.readOrCreate(directory, { ...FILE, generate })
  const keys = text.split(/\s+/)
  const isValid = keys.every((key) => Buffer.from(key, "base64").length === KEY_BYTES)
  if (isValid && keys.length <= MAX_KEYS) return keys
  const detail = `it must have one or two lines, each ${KEY_BYTES} bytes in base64`
  return yield* new SecretFile.SecretFileError({ path: file, setting: FILE.setting, detail })
})
