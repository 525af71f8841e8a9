import { Context, DateTime, Effect, Layer, Option, Redacted } from "effect"
import {
  InvalidCredentials,
  type SecondFactorRequired,
  secondFactorRequired,
  type TooManyAttempts,
  type TooManySignIns
} from "../../domain/accounts/Login.ts"
import { normalize } from "../../domain/accounts/Password.ts"
import type { Device } from "../../domain/accounts/Session.ts"
import { AccountLocked, type User } from "../../domain/accounts/User.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { withDatabaseTimeout } from "../../platform/postgres/DatabaseTimeout.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { AccessTokens } from "../tokens/AccessTokens.ts"
import { type Attempt, AttemptLimits } from "./AttemptLimits.ts"
import { type Credential, Credentials } from "../Credentials.ts"
import { Passwords } from "../Passwords.ts"
import { SecondFactor } from "../mfa/SecondFactor.ts"
import type { OpenSession } from "../sessions/NewSessions.ts"
import { Sessions } from "../sessions/Sessions.ts"

/** A password, or the token that stands for a checked one, and the code of the second factor. */
export interface SignInRequest {
  readonly proof:
    | { readonly username: string; readonly password: Redacted.Redacted }
    | { readonly secondFactorToken: Redacted.Redacted }
  readonly code: Redacted.Redacted | undefined
  readonly device: Device
}

type Refusal =
  | InvalidCredentials
  | SecondFactorRequired
  | AccountLocked
  | TooManyAttempts
  | TooManySignIns
  | StoreUnavailable

/** Checks credentials, and opens sessions. */
export class SignIn extends Context.Service<
  SignIn,
  {
    readonly signIn: (request: SignInRequest) => Effect.Effect<OpenSession & { readonly user: User }, Refusal>
  }
>()("effex/accounts/login/SignIn") {
  static readonly layer = Layer.effect(
    SignIn,
    Effect.gen(function* () {
      const { execute, transaction } = yield* Database
      const accessTokens = yield* AccessTokens
      const credentials = yield* Credentials
      const limits = yield* AttemptLimits
      const passwords = yield* Passwords
      const secondFactor = yield* SecondFactor
      const sessions = yield* Sessions

      const checkPassword = Effect.fnUntraced(function* (
        username: string,
        password: Redacted.Redacted
      ): Effect.fn.Return<Credential, InvalidCredentials | StoreUnavailable> {
        const found = Option.getOrUndefined(yield* credentials.byUsername(username))
        // Also for an unknown user, so that the time reveals nothing.
        const isRight = yield* passwords.verify(password, found?.passwordHash)
        if (found === undefined || !isRight) return yield* new InvalidCredentials()
        if (!passwords.needsRehash(found.passwordHash)) return found
        const passwordHash = yield* passwords.hash(Redacted.make(normalize(Redacted.value(password))))
        const isStored = yield* credentials.rehash(found.user.id, found.passwordHash, passwordHash)
        // Otherwise a concurrent login has stored another hash of this password, or the password has changed.
        return isStored ? { ...found, passwordHash } : yield* checkPassword(username, password)
      })

      const checkToken = Effect.fnUntraced(function* (token: Redacted.Redacted) {
        const claims = yield* accessTokens
          .verifySecondFactor(Redacted.value(token))
          .pipe(Effect.catchTag("InvalidAccessToken", () => new InvalidCredentials()))
        const found = yield* credentials.byId(claims.sub)
        return Option.isSome(found) && DateTime.toEpochMillis(found.value.changedAt) === claims.pwd
          ? found.value
          : yield* new InvalidCredentials()
      })

      /** Opens a session, and uses up a code in the same transaction. */
      const openWith = (
        { passwordHash, user }: Credential,
        code: Redacted.Redacted | undefined,
        device: Device
      ) => {
        const open = (secondFactor: boolean) =>
          sessions.signIn(user.id, passwordHash, device, { secondFactor })
        if (code === undefined) return execute(open(false))
        const work = Effect.gen(function* () {
          const opened = yield* open(false)
          if (opened !== "second-factor-required") return opened
          const isRight = yield* secondFactor.verify(user.id, Redacted.value(code))
          return isRight ? yield* open(true) : yield* new InvalidCredentials()
        })
        return withDatabaseTimeout(transaction(work))
      }

      const open = Effect.fnUntraced(function* (credential: Credential, { code, device }: SignInRequest) {
        const { changedAt, user } = credential
        const opened = yield* openWith(credential, code, device)
        switch (opened) {
          case "password-changed":
            return yield* new InvalidCredentials()
          case "locked":
            return yield* new AccountLocked()
          case "second-factor-required": {
            const token = yield* accessTokens.issueSecondFactor(user.id, changedAt)
            return yield* secondFactorRequired(Redacted.value(token))
          }
          default:
            return { ...opened, user }
        }
      })

      const signInNow = Effect.fnUntraced(function* (request: SignInRequest) {
        const { device, proof } = request
        let attempt: Attempt =
          "username" in proof
            ? { kind: "login", address: device.address, account: proof.username.toLowerCase() }
            : { kind: "mfa", address: device.address }
        yield* limits.admit(attempt)
        const check = Effect.gen(function* () {
          if ("username" in proof) {
            const credential = yield* checkPassword(proof.username, proof.password)
            if (request.code !== undefined) {
              // Codes have a limit of their own, which only a caller with the password can reach.
              attempt = { ...attempt, kind: "mfa", account: credential.user.username }
              yield* limits.admit(attempt)
            }
            return yield* open(credential, request)
          }
          const credential = yield* checkToken(proof.secondFactorToken)
          // The codes of one account must not be guessed with its token.
          attempt = { ...attempt, account: credential.user.username }
          yield* limits.admit(attempt)
          return yield* open(credential, request)
        })
        const opened = yield* check.pipe(
          Effect.tapErrorTag("InvalidCredentials", () => limits.record(attempt, "failure"))
        )
        yield* limits.record(attempt, "success")
        return opened
      })

      const signIn: SignIn["Service"]["signIn"] = Effect.fn("SignIn.signIn")((request) =>
        passwords.enqueue(signInNow(request))
      )

      return SignIn.of({ signIn })
    })
  )
}
