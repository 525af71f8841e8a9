import { Schema } from "effect"

/** The user has a confirmed second factor already. */
export class MfaAlreadyEnabled extends Schema.TaggedError<MfaAlreadyEnabled>()("MfaAlreadyEnabled", {}) {
  override get message(): string {
    return "A second factor is enabled already; disable it before you enroll another one"
  }
}

/** The user has no second factor, or has not confirmed it. */
export class MfaNotEnabled extends Schema.TaggedError<MfaNotEnabled>()("MfaNotEnabled", {}) {
  override get message(): string {
    return "No second factor is enabled; enroll and confirm one first"
  }
}

/** The code is wrong or was used. */
export class InvalidMfaCode extends Schema.TaggedError<InvalidMfaCode>()("InvalidMfaCode", {}) {
  override get message(): string {
    return "The code is wrong or was used already; wait for the next code of the authenticator app"
  }
}
