import { Context, Effect, Layer, Option, Redacted } from "effect"
import { InvalidCredentials } from "../../domain/accounts/Login.ts"
import { InvalidMfaCode, MfaAlreadyEnabled, MfaNotEnabled } from "../../domain/accounts/Mfa.ts"
import type { NewSecurityEvent } from "../../domain/accounts/SecurityEvent.ts"
import type { SessionId } from "../../domain/accounts/Session.ts"
import type { UserId, Username } from "../../domain/accounts/User.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { withDatabaseTimeout } from "../../platform/postgres/DatabaseTimeout.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { Credentials } from "../Credentials.ts"
import { EndedSessions } from "../sessions/EndedSessions.ts"
import * as MfaRepo from "./MfaRepo.ts"
import { Passwords } from "../Passwords.ts"
import { SecondFactor } from "./SecondFactor.ts"
import { SecurityEvents } from "../SecurityEvents.ts"
import { Sessions } from "../sessions/Sessions.ts"

/** A secret that the user has to confirm with a code. */
export interface Enrollment {
  /** In base32, to be typed. */
  readonly secret: Redacted.Redacted
  /** `otpauth` URI, for a QR code. */
  readonly uri: Redacted.Redacted
}

/** The user, and the session that a change of the second factor does not end. */
export interface MfaUser {
  readonly userId: UserId
  readonly username: Username
  readonly sessionId: SessionId | undefined
}

/** Proof that it is the user who changes the second factor. */
export interface MfaProof {
  readonly password: Redacted.Redacted
  /** Of the authenticator app, or a recovery code. */
  readonly code: Redacted.Redacted
}

type ProofError = InvalidCredentials | MfaNotEnabled | StoreUnavailable

/** The second factor of users: codes of an authenticator app (RFC 6238), and recovery codes. */
export class Mfa extends Context.Service<
  Mfa,
  {
    /** Returns true if the user has a confirmed second factor, and how many recovery codes are left. */
    readonly status: (
      user: UserId
    ) => Effect.Effect<{ readonly enabled: boolean; readonly recoveryCodes: number }, StoreUnavailable>
    /** Creates a secret. Replaces one that was not confirmed. */
    readonly enroll: (
      user: MfaUser,
      password: Redacted.Redacted
    ) => Effect.Effect<Enrollment, InvalidCredentials | MfaAlreadyEnabled | StoreUnavailable>
    /** Enables the second factor, ends every other session, and returns the recovery codes, which cannot be read again. */
    readonly confirm: (
      user: MfaUser,
      code: Redacted.Redacted
    ) => Effect.Effect<
      ReadonlyArray<Redacted.Redacted>,
      InvalidMfaCode | MfaAlreadyEnabled | MfaNotEnabled | StoreUnavailable
    >
    /** Removes the second factor, and ends every other session. */
    readonly disable: (user: MfaUser, proof: MfaProof) => Effect.Effect<void, ProofError>
    /** Replaces the recovery codes, and ends every other session. */
    readonly renewRecoveryCodes: (
      user: MfaUser,
      proof: MfaProof
    ) => Effect.Effect<ReadonlyArray<Redacted.Redacted>, ProofError>
  }
>()("effex/accounts/mfa/Mfa") {
  static readonly layer = Layer.effect(
    Mfa,
    Effect.gen(function* () {
      const { execute, sql, transaction } = yield* Database
      const credentials = yield* Credentials
      const passwords = yield* Passwords
      const sessions = yield* Sessions
      const ended = yield* EndedSessions
      const events = yield* SecurityEvents
      const repo = yield* MfaRepo.make

      const run = <A, E, R>(work: Effect.Effect<A, E, R>) => withDatabaseTimeout(transaction(work))

      const requirePassword = Effect.fnUntraced(function* (user: UserId, password: Redacted.Redacted) {
        const credential = yield* credentials.byId(user)
        const hash = Option.map(credential, ({ passwordHash }) => passwordHash)
        if (!(yield* passwords.verify(password, Option.getOrUndefined(hash))))
          return yield* new InvalidCredentials()
      })

      /** Orders a change before or after a concurrent sign-in, which shares the lock until it has opened its session. */
      const lock = (user: UserId) => sql`SELECT id FROM app_user WHERE id = ${user} FOR NO KEY UPDATE`

      /** Changes the second factor and ends the other sessions in one transaction. */
      const change = Effect.fnUntraced(function* <A, E, R>(
        { sessionId, userId }: MfaUser,
        event: NewSecurityEvent["event"],
        work: Effect.Effect<A, E, R>
      ) {
        const changes = Effect.gen(function* () {
          yield* lock(userId)
          const result = yield* work
          const endedSessions = yield* sessions.endAllWithin(userId, "mfa", sessionId)
          yield* events.record(userId, { event, session: sessionId })
          return [result, endedSessions] as const
        })
        const [result, endedSessions] = yield* run(changes)
        yield* ended.publish(endedSessions)
        return result
      })

      /** Fails unless the user has a second factor and the code is right, which it uses up. */
      const requireCode = Effect.fnUntraced(function* (user: UserId, code: Redacted.Redacted) {
        if (!(yield* repo.isEnabled(user))) return yield* new MfaNotEnabled()
        if ((yield* repo.useCodeWithin(user, code)) === "wrong") return yield* new InvalidCredentials()
      })

      const newRecoveryCodes = (user: UserId) =>
        Effect.map(repo.recoveryCodes.replaceWithin(user), (codes) =>
          codes.map((code) => Redacted.make(code))
        )

      const status: Mfa["Service"]["status"] = Effect.fn("Mfa.status")((user) =>
        execute(
          Effect.all({ enabled: repo.isEnabled(user), recoveryCodes: repo.recoveryCodes.countUnused(user) })
        )
      )

      const enroll: Mfa["Service"]["enroll"] = Effect.fn("Mfa.enroll")(function* (
        { userId, username },
        password
      ) {
        yield* requirePassword(userId, password)
        const enrolled = yield* run(repo.enrollWithin(userId, username))
        return Option.isSome(enrolled) ? enrolled.value : yield* new MfaAlreadyEnabled()
      })

      const confirm: Mfa["Service"]["confirm"] = Effect.fn("Mfa.confirm")(function* (user, code) {
        return yield* change(
          user,
          "mfa-enabled",
          Effect.gen(function* () {
            const outcome = yield* repo.confirmWithin(user.userId, code)
            if (outcome === "not-enrolled") return yield* new MfaNotEnabled()
            if (outcome === "confirmed-before") return yield* new MfaAlreadyEnabled()
            if (outcome === "wrong-code") return yield* new InvalidMfaCode()
            return yield* newRecoveryCodes(user.userId)
          })
        )
      })

      const disable: Mfa["Service"]["disable"] = Effect.fn("Mfa.disable")(function* (
        user,
        { code, password }
      ) {
        yield* requirePassword(user.userId, password)
        yield* change(
          user,
          "mfa-disabled",
          Effect.andThen(requireCode(user.userId, code), repo.removeWithin(user.userId))
        )
      })

      const renewRecoveryCodes: Mfa["Service"]["renewRecoveryCodes"] = Effect.fn("Mfa.renewRecoveryCodes")(
        function* (user, { code, password }) {
          yield* requirePassword(user.userId, password)
          return yield* change(
            user,
            "recovery-codes-renewed",
            Effect.andThen(requireCode(user.userId, code), newRecoveryCodes(user.userId))
          )
        }
      )

      return Mfa.of({
        status,
        enroll,
        confirm,
        disable,
        renewRecoveryCodes
      })
    })
  )
}

/** The second factor of sign-ins. */
export const layerSecondFactor = Layer.effect(
  SecondFactor,
  Effect.gen(function* () {
    const events = yield* SecurityEvents
    const { useCodeWithin } = yield* MfaRepo.make
    return SecondFactor.of({
      verify: Effect.fnUntraced(function* (user, code) {
        const outcome = yield* useCodeWithin(user, Redacted.make(code))
        if (outcome === "recovery-code") yield* events.record(user, { event: "recovery-code-used" })
        return outcome !== "wrong"
      })
    })
  })
)
