import { Effect, Redacted } from "effect"
import * as Problem from "../../../api/Problem.ts"
import { inSeconds } from "../../../domain/access/RateLimit.ts"
import type * as Login from "../../../domain/accounts/Login.ts"
import type { PasswordRefused } from "../../../domain/accounts/Password.ts"
import type { SessionEnded, SessionNotFound } from "../../../domain/accounts/Session.ts"
import type * as User from "../../../domain/accounts/User.ts"
import * as Problems from "../../middleware/Problems.ts"

// Handlers for `Effect.catchTags` that convert errors of accounts to problems.

export const attemptErrors = {
  ...Problems.storeErrors,
  TooManyAttempts: ({ message, retryAfter }: Login.TooManyAttempts) =>
    Effect.suspend(() => {
      const problem = new Problem.RateLimited({ detail: message })
      problem.retryAfter = inSeconds(retryAfter)
      return Effect.fail(problem)
    })
}

const queueErrors = {
  TooManySignIns: ({ message }: Login.TooManySignIns) =>
    Effect.fail(new Problem.Overloaded({ detail: message }))
}

export const sessionErrors = {
  ...Problems.storeErrors,
  SessionEnded: ({ message }: SessionEnded) => Effect.fail(new Problem.SessionEnded({ detail: message }))
}

export const sessionNotFoundErrors = {
  ...Problems.storeErrors,
  SessionNotFound: ({ message }: SessionNotFound) => Effect.fail(new Problem.NotFound({ detail: message }))
}

export const credentialErrors = {
  ...attemptErrors,
  InvalidCredentials: ({ message }: Login.InvalidCredentials) =>
    Effect.fail(new Problem.InvalidCredentials({ detail: message }))
}

export const signInErrors = {
  ...credentialErrors,
  ...queueErrors,
  AccountLocked: ({ message }: User.AccountLocked) =>
    Effect.fail(new Problem.AccountLocked({ detail: message })),
  SecondFactorRequired: ({ message, token }: Login.SecondFactorRequired) =>
    Effect.fail(new Problem.MfaRequired({ detail: message, mfa_token: Redacted.value(token) }))
}

export const userNotFoundErrors = {
  ...Problems.storeErrors,
  UserNotFound: ({ message }: User.UserNotFound) => Effect.fail(new Problem.NotFound({ detail: message }))
}

export const ownAccountErrors = {
  ...userNotFoundErrors,
  OwnAccount: ({ message }: User.OwnAccount) => Effect.fail(new Problem.Forbidden({ detail: message }))
}

export const lastAdministratorErrors = {
  ...ownAccountErrors,
  LastAdministrator: ({ message }: User.LastAdministrator) =>
    Effect.fail(new Problem.LastAdministrator({ detail: message }))
}

/** `pointer` is the field of the new password. */
export const passwordErrors = (pointer: string) => ({
  PasswordRefused: ({ message }: PasswordRefused) => Effect.fail(Problems.invalid(pointer, message))
})

export const registrationErrors = {
  ...Problems.storeErrors,
  ...queueErrors,
  ...passwordErrors("/body/password"),
  InvalidUsername: ({ message }: User.InvalidUsername) =>
    Effect.fail(Problems.invalid("/body/username", message)),
  UsernameTaken: ({ message }: User.UsernameTaken) =>
    Effect.fail(new Problem.UsernameTaken({ detail: message })),
  RegistrationClosed: ({ message }: Login.RegistrationClosed) =>
    Effect.fail(new Problem.Forbidden({ detail: message }))
}
