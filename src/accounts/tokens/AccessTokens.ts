import { Clock, Context, DateTime, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { jwtVerify } from "jose"
import { sign as signBytes } from "node:crypto"
import { MAX_ACCESS_TOKEN_TTL } from "../../config/settings/AccountSettings.ts"
import { Settings } from "../../config/Settings.ts"
import { AccessClaims, InvalidAccessToken, SecondFactorClaims } from "../../domain/accounts/AccessClaims.ts"
import type { SessionId } from "../../domain/accounts/Session.ts"
import type { User, UserId } from "../../domain/accounts/User.ts"
import { AccessTokenKeys, type PublicJwk } from "./AccessTokenKeys.ts"
import * as TokenFormat from "./AccessTokensFormat.ts"

/** Time that a sign-in may wait for the second factor. */
const SECOND_FACTOR_TTL = Duration.minutes(5)
/** Difference between the clocks of nodes that verification tolerates. */
const CLOCK_TOLERANCE_SECONDS = 5
const MAX_CACHED_TOKENS = 10_000
const ACCESS_TYPE = "at+jwt"
const SECOND_FACTOR_TYPE = "effex-mfa+jwt"

/** User and session that an access token is issued for. */
export interface AccessTokenRequest {
  readonly user: Pick<User, "id" | "username" | "role">
  readonly session: SessionId
  /** The token does not outlive its session. */
  readonly sessionExpiresAt: DateTime.Utc
}

/**
 * Issues and verifies access tokens: JWTs signed with Ed25519 (RFC 9068). Verification needs no database; whether the
 * session of a token was ended is in `EndedSessions`.
 */
export class AccessTokens extends Context.Service<
  AccessTokens,
  {
    readonly issue: (
      request: AccessTokenRequest
    ) => Effect.Effect<{ readonly token: Redacted.Redacted; readonly expiresIn: Duration.Duration }>
    /** Returns the claims of a valid token. */
    readonly verify: (token: string) => Effect.Effect<AccessClaims, InvalidAccessToken>
    /** Verifies synchronously, for the fast path: undefined unless {@link verify} accepted the token before. */
    readonly verifySync: (token: string, nowMillis: number) => AccessClaims | undefined
    /** Issues a token that stands for a checked password. It is no access token. */
    readonly issueSecondFactor: (
      user: UserId,
      passwordChangedAt: DateTime.Utc
    ) => Effect.Effect<Redacted.Redacted>
    readonly verifySecondFactor: (token: string) => Effect.Effect<SecondFactorClaims, InvalidAccessToken>
    /** Public keys, the signing one first (RFC 7517). */
    readonly jwks: { readonly keys: ReadonlyArray<PublicJwk> }
  }
>()("effex/accounts/tokens/AccessTokens") {
  static readonly layer = Layer.effect(
    AccessTokens,
    Effect.gen(function* () {
      const { accessTokenTtl, publicUrl } = yield* Settings
      const { keys } = yield* AccessTokenKeys
      const random = yield* SecureRandom.SecureRandom
      const issuer = Option.getOrElse(publicUrl, () => "effex")
      const audience = "effex-api"
      const byKid = new Map(keys.map((key) => [key.kid, key.publicKey]))
      const [signing] = keys
      const verified = new Map<string, AccessClaims>()

      /**
       * Signs on the event loop, which takes 0.1 ms. `jose` signs in the threads of Node's pool, which hash passwords at a low
       * priority: handing work to them waits for a lock that such a thread may hold while it has no CPU.
       */
      const sign = Effect.fnUntraced(function* (type: string, claims: object, ttlSeconds: number) {
        const issuedAt = Math.floor((yield* Clock.currentTimeMillis) / 1000)
        const jti = yield* random.uuidV7()
        const header = { alg: "EdDSA", typ: type, kid: signing.kid }
        const times = { iat: issuedAt, exp: issuedAt + ttlSeconds }
        const text = `${encode(header)}.${encode({ ...claims, jti, iss: issuer, aud: audience, ...times })}`
        const signature = signBytes(null, Buffer.from(text), signing.privateKey).toString("base64url")
        return Redacted.make(`${text}.${signature}`)
      })

      const verifyAs = Effect.fnUntraced(function* <A extends Lifetime>(
        type: string,
        maxTtl: Duration.Duration,
        decode: (payload: unknown) => Effect.Effect<A, unknown>,
        token: string
      ) {
        const kid = yield* TokenFormat.keyIdOf(token, type)
        const key = byKid.get(kid)
        if (key === undefined) return yield* invalid("The access token was signed with an unknown key")
        const currentDate = DateTime.toDateUtc(yield* DateTime.now)
        const { payload } = yield* Effect.tryPromise({
          try: () =>
            jwtVerify(token, key, {
              algorithms: ["EdDSA"],
              issuer,
              audience,
              typ: type,
              requiredClaims: ["exp", "iat", "sub", "jti"],
              maxTokenAge: Duration.toSeconds(maxTtl),
              clockTolerance: CLOCK_TOLERANCE_SECONDS,
              currentDate
            }),
          catch: (error) => invalid(TokenFormat.detailOf(error))
        })
        const claims = yield* decode(payload).pipe(
          Effect.mapError(() => invalid("The access token lacks a claim, or a claim has a wrong form"))
        )
        // jose checks the age of a token, and not its lifetime.
        if (claims.exp - claims.iat > Duration.toSeconds(maxTtl))
          return yield* invalid("The access token has too long a lifetime")
        return claims
      })

      const verifySync: AccessTokens["Service"]["verifySync"] = (token, nowMillis) => {
        const claims = verified.get(token)
        return claims !== undefined && nowMillis < claims.exp * 1000 ? claims : undefined
      }

      const verify: AccessTokens["Service"]["verify"] = Effect.fnUntraced(function* (token) {
        const known = verifySync(token, yield* Clock.currentTimeMillis)
        if (known !== undefined) return known
        const claims = yield* verifyAs(ACCESS_TYPE, MAX_ACCESS_TOKEN_TTL, decodeAccess, token)
        const [oldest] = verified.keys()
        if (verified.size >= MAX_CACHED_TOKENS && oldest !== undefined) verified.delete(oldest)
        verified.set(token, claims)
        return claims
      })

      const issue: AccessTokens["Service"]["issue"] = Effect.fn("AccessTokens.issue")(function* ({
        session,
        sessionExpiresAt,
        user
      }) {
        const remaining = DateTime.toEpochMillis(sessionExpiresAt) - (yield* Clock.currentTimeMillis)
        const seconds = Math.max(1, Math.floor(Math.min(Duration.toMillis(accessTokenTtl), remaining) / 1000))
        const claims = { sub: user.id, sid: session, username: user.username, role: user.role }
        return {
          token: yield* sign(ACCESS_TYPE, claims, seconds),
          expiresIn: Duration.seconds(seconds)
        }
      })

      return AccessTokens.of({
        issue,
        verify,
        verifySync,
        issueSecondFactor: (user, passwordChangedAt) =>
          sign(
            SECOND_FACTOR_TYPE,
            { sub: user, pwd: DateTime.toEpochMillis(passwordChangedAt) },
            Duration.toSeconds(SECOND_FACTOR_TTL)
          ),
        verifySecondFactor: (token) =>
          verifyAs(SECOND_FACTOR_TYPE, SECOND_FACTOR_TTL, decodeSecondFactor, token),
        jwks: { keys: keys.map(({ jwk }) => jwk) }
      })
    })
  )
}

interface Lifetime {
  readonly iat: number
  readonly exp: number
}

/** Encodes a part of a token (RFC 7515). */
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url")

const decodeAccess = Schema.decodeUnknownEffect(AccessClaims)
const decodeSecondFactor = Schema.decodeUnknownEffect(SecondFactorClaims)

const invalid = (detail: string) => new InvalidAccessToken({ detail })
