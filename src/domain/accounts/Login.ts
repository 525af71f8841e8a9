import { Duration, Redacted, Schema } from "effect"

/** Username, password or code is wrong. Never says which. */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>()("InvalidCredentials", {}) {
  override get message(): string {
    return "The username, the password or the code is wrong"
  }
}

/** The password is right, and the user has a second factor. `token` stands for the password in the next request. */
export class SecondFactorRequired extends Schema.TaggedError<SecondFactorRequired>()("SecondFactorRequired", {
  token: Schema.Redacted(Schema.String)
}) {
  override get message(): string {
    return "A code of the authenticator app, or a recovery code, is required"
  }
}

/** Creates the error with a token in clear text. */
export const secondFactorRequired = (token: string): SecondFactorRequired =>
  new SecondFactorRequired({ token: Redacted.make(token) })

/** New users are created by an administrator only: `REGISTRATION=closed`. */
export class RegistrationClosed extends Schema.TaggedError<RegistrationClosed>()("RegistrationClosed", {}) {
  override get message(): string {
    return "Registration is closed; ask the operator of this service for an account"
  }
}

/** More sign-ins and registrations wait on this node than it allows. */
export class TooManySignIns extends Schema.TaggedError<TooManySignIns>()("TooManySignIns", {
  waiting: Schema.Int
}) {
  override get message(): string {
    return `This node has ${this.waiting} waiting sign-ins and registrations, its maximum; retry later`
  }
}

/** Too many attempts for the account, from the address, or in total. */
export class TooManyAttempts extends Schema.TaggedError<TooManyAttempts>()("TooManyAttempts", {
  /** Time until the next attempt is allowed. */
  retryAfter: Schema.Duration
}) {
  override get message(): string {
    return `Too many attempts; retry in ${Math.max(1, Math.ceil(Duration.toSeconds(this.retryAfter)))} s`
  }
}
