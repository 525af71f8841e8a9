import { Array, DateTime, Effect, Option, Redacted, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { UserId, Username } from "../../domain/accounts/User.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { MfaSecrets } from "./MfaSecrets.ts"
import * as RecoveryCodes from "./RecoveryCodes.ts"
import * as Totp from "./Totp.ts"

/** Issuer of the entry in authenticator apps. */
const ISSUER = "effex"

const Row = Schema.Struct({
  secret: Schema.instanceOf(Uint8Array),
  keyId: Schema.String,
  lastStep: Schema.BigInt,
  confirmed: Schema.Boolean
})
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))

/**
 * Stores second factors. A code is used up by the statement that moves `last_step`, so that of two concurrent requests with
 * one code only one succeeds. Run these inside the transaction that depends on the code.
 */
export const make = Effect.gen(function* () {
  const { sql } = yield* Database
  const random = yield* SecureRandom.SecureRandom
  const secrets = yield* MfaSecrets
  const recoveryCodes = yield* RecoveryCodes.make

  const find = Effect.fnUntraced(function* (user: UserId) {
    const rows = yield* sql`
      SELECT secret, key_id, last_step, confirmed_at IS NOT NULL AS confirmed FROM mfa WHERE user_id = ${user}`
    return Array.head(yield* Effect.orDie(decodeRows(rows)))
  })

  /** Moves the last step to that of a code. Returns false if the code is wrong or was used. */
  const useTotp = Effect.fnUntraced(function* (user: UserId, row: typeof Row.Type, code: string) {
    const stored = { keyId: row.keyId, bytes: row.secret }
    const secret = yield* secrets.decrypt(user, stored).pipe(
      Effect.tapError((error) => Effect.logError(error.message)),
      Effect.option
    )
    const now = yield* DateTime.now
    const step = Option.flatMap(secret, (bytes) => Totp.stepOf(bytes, code, now, Number(row.lastStep)))
    if (Option.isNone(secret) || Option.isNone(step)) return false
    const { bytes, keyId } = secrets.isCurrent(stored) ? stored : yield* secrets.encrypt(user, secret.value)
    const moved = yield* sql`
      UPDATE mfa SET last_step = ${step.value}, secret = ${bytes}, key_id = ${keyId}
      WHERE user_id = ${user} AND last_step < ${step.value} RETURNING user_id`
    return moved.length === 1
  })

  /** Returns true if the user has a confirmed second factor. */
  const isEnabled = Effect.fn("MfaRepo.isEnabled")(function* (user: UserId) {
    return Option.exists(yield* find(user), ({ confirmed }) => confirmed)
  })

  /** Stores a new secret. Replaces one that was not confirmed; none if there is a confirmed one. */
  const enrollWithin = Effect.fn("MfaRepo.enroll")(function* (user: UserId, username: Username) {
    const secret = yield* random.randomBytes(Totp.SECRET_BYTES)
    const { bytes, keyId } = yield* secrets.encrypt(user, secret)
    const at = DateTime.toDateUtc(yield* DateTime.now)
    const stored = yield* sql`
      INSERT INTO mfa (user_id, secret, key_id, created_at) VALUES (${user}, ${bytes}, ${keyId}, ${at})
      ON CONFLICT (user_id) DO UPDATE
        SET secret = EXCLUDED.secret, key_id = EXCLUDED.key_id, created_at = EXCLUDED.created_at
        WHERE mfa.confirmed_at IS NULL
      RETURNING user_id`
    if (stored.length === 0) return Option.none()
    return Option.some({
      secret: Redacted.make(Totp.toText(secret)),
      uri: Redacted.make(Totp.uriOf(secret, ISSUER, username))
    })
  })

  /** Confirms the secret with a code that its owner read in the app. */
  const confirmWithin = Effect.fn("MfaRepo.confirm")(function* (user: UserId, code: Redacted.Redacted) {
    const row = yield* find(user)
    if (Option.isNone(row)) return "not-enrolled"
    if (row.value.confirmed) return "confirmed-before"
    if (!(yield* useTotp(user, row.value, Redacted.value(code)))) return "wrong-code"
    const at = DateTime.toDateUtc(yield* DateTime.now)
    const confirmed = yield* sql`
      UPDATE mfa SET confirmed_at = greatest(created_at, ${at}) WHERE user_id = ${user} AND confirmed_at IS NULL
      RETURNING user_id`
    return confirmed.length === 1 ? "confirmed" : "confirmed-before"
  })

  /** Uses up a code of the app, or a recovery code. */
  const useCodeWithin = Effect.fn("MfaRepo.useCode")(function* (user: UserId, code: Redacted.Redacted) {
    const row = yield* find(user)
    if (Option.isNone(row) || !row.value.confirmed) return "wrong"
    if (yield* useTotp(user, row.value, Redacted.value(code))) return "totp"
    return (yield* recoveryCodes.useWithin(user, Redacted.value(code))) ? "recovery-code" : "wrong"
  })

  /** Removes the second factor and its recovery codes. Returns false if there is none. */
  const removeWithin = Effect.fn("MfaRepo.remove")(function* (user: UserId) {
    const removed = yield* sql`DELETE FROM mfa WHERE user_id = ${user} RETURNING user_id`
    return removed.length === 1
  })

  return { isEnabled, enrollWithin, confirmWithin, useCodeWithin, removeWithin, recoveryCodes }
})
