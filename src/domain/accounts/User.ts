import { type DateTime, type Option, Result, Schema } from "effect"

/** UUIDv7 of a user. */
export const UserId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("UserId"))
export type UserId = typeof UserId.Type

/** Description of the usernames that {@link parseUsername} accepts, for error messages. */
const ALLOWED_USERNAME = "3 to 32 of the letters a to z, digits and . _ -, and starts with a letter or digit"

/** Name of a user, in lower case. One alphabet, so that no two names look alike. */
export const Username = Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9._-]{2,31}$/)).pipe(
  Schema.brand("Username")
)
export type Username = typeof Username.Type

/** The text is not a username. It is not repeated, because people type passwords into the wrong field. */
export class InvalidUsername extends Schema.TaggedError<InvalidUsername>()("InvalidUsername", {}) {
  override get message(): string {
    return `The username is invalid; a username has ${ALLOWED_USERNAME}`
  }
}

const isUsername = Schema.is(Username)

/**
 * Returns the name in lower case. Only ASCII letters have another case here: the lower case of the Kelvin sign is the
 * letter k, so the text is checked first.
 */
export const parseUsername = (text: string): Result.Result<Username, InvalidUsername> => {
  const lower = /^[\x21-\x7e]*$/.test(text) ? text.toLowerCase() : ""
  return isUsername(lower) ? Result.succeed(lower) : Result.fail(new InvalidUsername())
}

/** `admin` also operates the service. */
export const Role = Schema.Literals(["user", "admin"])
export type Role = typeof Role.Type

/** A user, without credentials. */
export interface User {
  readonly id: UserId
  readonly username: Username
  readonly email: Option.Option<string>
  readonly role: Role
  readonly createdAt: DateTime.Utc
  /** A locked user cannot sign in and has no session. */
  readonly lockedAt: Option.Option<DateTime.Utc>
}

/** Another user has the name. */
export class UsernameTaken extends Schema.TaggedError<UsernameTaken>()("UsernameTaken", {
  username: Username
}) {
  override get message(): string {
    return `The username ${this.username} is taken; choose another one`
  }
}

/** No user has this id or name. */
export class UserNotFound extends Schema.TaggedError<UserNotFound>()("UserNotFound", {
  user: Schema.String
}) {
  override get message(): string {
    return `No user has the id or name ${JSON.stringify(this.user)}`
  }
}

/** An administrator locked the user. */
export class AccountLocked extends Schema.TaggedError<AccountLocked>()("AccountLocked", {}) {
  override get message(): string {
    return "The account is locked; ask the operator of this service to unlock it"
  }
}

/** At least one administrator who is not locked must remain. */
export class LastAdministrator extends Schema.TaggedError<LastAdministrator>()("LastAdministrator", {}) {
  override get message(): string {
    return "The last administrator cannot be locked or lose the role; make another user an administrator first"
  }
}

/** Administrators cannot lock their own account, change its role or reset its second factor. */
export class OwnAccount extends Schema.TaggedError<OwnAccount>()("OwnAccount", {}) {
  override get message(): string {
    return "This is your own account; another administrator must lock it, change its role or reset its second factor"
  }
}
