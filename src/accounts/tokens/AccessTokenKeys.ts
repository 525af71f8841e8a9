import * as NodeServices from "@effect/platform-node/NodeServices"
import { Array, Context, Effect, Layer, Option, Redacted, Schema } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { SecureRandom } from "effect/crypto"
import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from "node:crypto"
import { Settings } from "../../config/Settings.ts"
import * as SecretFile from "../../platform/SecretFile.ts"

/** Public key as in RFC 8037 and RFC 7517. */
export interface PublicJwk {
  readonly kty: "OKP"
  readonly crv: "Ed25519"
  readonly x: string
  readonly kid: string
  readonly use: "sig"
  readonly alg: "EdDSA"
}

/** A signing key, and the secret that successors of refresh tokens are derived with. */
export interface AccessTokenKey {
  /** Thumbprint of the public key (RFC 7638). */
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: PublicJwk
  readonly refreshSecret: Redacted.Redacted<Buffer>
}

const SEED_BYTES = 32
const MAX_KEYS = 2
const FILE = { name: "jwt-signing-key", setting: "JWT_SIGNING_KEY" }

/**
 * Keys of access tokens. The first one signs, both verify: during a rotation the tokens of the previous key stay valid.
 */
export class AccessTokenKeys extends Context.Service<
  AccessTokenKeys,
  { readonly keys: NonEmptyReadonlyArray<AccessTokenKey> }
>()("effex/accounts/tokens/AccessTokenKeys") {
  /** Uses `JWT_SIGNING_KEY`, else the key file in `DATA_DIR`, which is created on the first start. */
  static readonly layer: Layer.Layer<
    AccessTokenKeys,
    SecretFile.SecretFileError,
    Settings | SecureRandom.SecureRandom
  > = Layer.effect(
    AccessTokenKeys,
    Effect.gen(function* () {
      const { dataDir, jwtSigningKeys } = yield* Settings
      const seeds = Option.isSome(jwtSigningKeys)
        ? jwtSigningKeys.value.map(Redacted.value)
        : yield* readFile(dataDir)
      const keys = yield* Effect.forEach(seeds, (seed) => makeKey(Buffer.from(seed, "base64")))
      if (Array.isReadonlyArrayNonEmpty(keys)) return AccessTokenKeys.of({ keys })
      return yield* new SecretFile.SecretFileError({ ...FILE, path: dataDir, detail: "it has no key" })
    })
  ).pipe(Layer.provide(NodeServices.layer))
}

const readFile = Effect.fnUntraced(function* (directory: string) {
  const random = yield* SecureRandom.SecureRandom
  const generate = Effect.map(random.randomBytes(SEED_BYTES), (seed) => Buffer.from(seed).toString("base64"))
  const { file, text } = yield* SecretFile.readOrCreate(directory, { ...FILE, generate })
  const seeds = text.split(/\s+/)
  const isValid = seeds.every((seed) => Buffer.from(seed, "base64").length === SEED_BYTES)
  if (isValid && seeds.length <= MAX_KEYS) return seeds
  const detail = `it must have one or two lines, each ${SEED_BYTES} bytes in base64`
  return yield* new SecretFile.SecretFileError({ path: file, setting: FILE.setting, detail })
})

/** DER encoding of an Ed25519 private key before the seed (RFC 8410). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex")
const PublicParts = Schema.Struct({ x: Schema.String })

const makeKey = Effect.fnUntraced(function* (seed: Buffer) {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: "der",
    type: "pkcs8"
  })
  const publicKey = createPublicKey(privateKey)
  const { x } = yield* Effect.orDie(
    Schema.decodeUnknownEffect(PublicParts)(publicKey.export({ format: "jwk" }))
  )
  const thumbprint = JSON.stringify({ crv: "Ed25519", kty: "OKP", x })
  const kid = createHash("sha256").update(thumbprint).digest("base64url")
  const refreshSecret = Buffer.from(hkdfSync("sha256", seed, "", "effex refresh token", 32))
  const key: AccessTokenKey = {
    kid,
    privateKey,
    publicKey,
    jwk: { kty: "OKP", crv: "Ed25519", x, kid, use: "sig", alg: "EdDSA" },
    refreshSecret: Redacted.make(refreshSecret)
  }
  return key
})
