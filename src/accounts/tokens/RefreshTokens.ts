import { Context, Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { createHash, createHmac } from "node:crypto"
import { AccessTokenKeys } from "./AccessTokenKeys.ts"

/** A refresh token: `efr_` and 256 bits. Its prefix lets secret scanners and logs recognize it. */
const TOKEN = /^efr_[\w-]{43}$/
const TOKEN_BYTES = 32

/**
 * Makes refresh tokens. The successor of a token is an HMAC of it, so that two concurrent callers get the same one although
 * only hashes are stored.
 */
export class RefreshTokens extends Context.Service<
  RefreshTokens,
  {
    readonly generate: Effect.Effect<Redacted.Redacted>
    /** Returns the successors of a token, the one of the current key first. */
    readonly successors: (token: Redacted.Redacted) => ReadonlyArray<Redacted.Redacted>
  }
>()("effex/accounts/tokens/RefreshTokens") {
  static readonly layer = Layer.effect(
    RefreshTokens,
    Effect.gen(function* () {
      const { keys } = yield* AccessTokenKeys
      const random = yield* SecureRandom.SecureRandom
      return RefreshTokens.of({
        generate: Effect.map(random.randomBytes(TOKEN_BYTES), (bytes) => compose(Buffer.from(bytes))),
        successors: (token) =>
          keys.map(({ refreshSecret }) =>
            compose(
              createHmac("sha256", Redacted.value(refreshSecret))
                .update(`refresh\0${Redacted.value(token)}`)
                .digest()
            )
          )
      })
    })
  )

  /** For commands, which open no sessions. Needs no keys. */
  static readonly layerNone = Layer.succeed(RefreshTokens, {
    generate: Effect.die(new Error("A command opens no session")),
    successors: () => []
  })
}

const compose = (bytes: Buffer) => Redacted.make(`efr_${bytes.toString("base64url")}`)

/** Returns true if a text has the form of a refresh token. */
export const isWellFormed = (token: Redacted.Redacted): boolean => TOKEN.test(Redacted.value(token))

/** Hash of a token, as it is stored. SHA-256 without salt is enough, because tokens are random. */
export const hashOf = (token: Redacted.Redacted): Buffer =>
  createHash("sha256").update(Redacted.value(token)).digest()
