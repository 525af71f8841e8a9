import { DateTime, Effect, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { createHash } from "node:crypto"
import type { UserId } from "../../domain/accounts/User.ts"
import { Database } from "../../platform/postgres/Database.ts"

const CODES = 10
/** Crockford's alphabet, without letters that look like a digit. 16 symbols of 5 bits are 80 bits. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
const SYMBOLS = 16

const decodeCount = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ unused: Schema.Int })]))

/** Single-use codes that replace the authenticator app. Only their hashes are stored. Run these inside a transaction. */
export const make = Effect.gen(function* () {
  const { sql } = yield* Database
  const random = yield* SecureRandom.SecureRandom

  const generate = Effect.map(random.randomBytes(SYMBOLS), (bytes) =>
    [...bytes].map((byte) => ALPHABET[byte % ALPHABET.length]).join("")
  )

  /** Replaces all codes of a user by ten new ones, and returns these. */
  const replaceWithin = Effect.fn("RecoveryCodes.replace")(function* (user: UserId) {
    const codes = yield* Effect.replicateEffect(generate, CODES)
    const at = DateTime.toDateUtc(yield* DateTime.now)
    yield* sql`DELETE FROM recovery_code WHERE user_id = ${user}`
    yield* Effect.forEach(
      codes,
      (code) => sql`
        INSERT INTO recovery_code (user_id, hash, created_at) VALUES (${user}, ${hashOf(user, code)}, ${at})`,
      { discard: true }
    )
    return codes.map(format)
  })

  /** Uses up a code. Returns false if it is wrong or was used. */
  const useWithin = Effect.fn("RecoveryCodes.use")(function* (user: UserId, text: string) {
    const code = normalize(text)
    if (code.length !== SYMBOLS) return false
    const at = DateTime.toDateUtc(yield* DateTime.now)
    const used = yield* sql`
      UPDATE recovery_code SET used_at = ${at}
      WHERE user_id = ${user} AND hash = ${hashOf(user, code)} AND used_at IS NULL RETURNING user_id`
    return used.length === 1
  })

  /** Returns the number of codes that were not used. */
  const countUnused = Effect.fn("RecoveryCodes.count")(function* (user: UserId) {
    const rows = yield* sql`
      SELECT count(*)::int AS unused FROM recovery_code WHERE user_id = ${user} AND used_at IS NULL`
    const [{ unused }] = yield* Effect.orDie(decodeCount(rows))
    return unused
  })

  return { replaceWithin, useWithin, countUnused }
})

const format = (code: string) => code.replaceAll(/(.{4})(?=.)/g, "$1-")

/** Reads a code as people type it: in upper case, with spaces, or with the letter o for zero. */
const normalize = (text: string) =>
  text.toLowerCase().replaceAll(/[\s-]/g, "").replaceAll("o", "0").replaceAll(/[il]/g, "1")

const hashOf = (user: UserId, code: string) =>
  createHash("sha256").update(`effex recovery code\0${user}\0${code}`).digest()
