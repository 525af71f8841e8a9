/** A user of the server. */
export interface User {
  readonly id: string
  readonly username: string
  readonly email: string | null
  readonly role: "user" | "admin"
  readonly createdAt: Date
}

/** A session: one device or program where the user is signed in. */
export interface UserSession {
  readonly id: string
  /** True for the session of this client. */
  readonly current: boolean
  readonly createdAt: Date
  readonly lastUsedAt: Date
  readonly expiresAt: Date
  /** True if the user signed in with a second factor. */
  readonly secondFactor: boolean
  readonly address: string
  readonly userAgent: string
}

/** State of the second factor. */
export interface MfaStatus {
  readonly enabled: boolean
  /** Number of recovery codes that were not used. */
  readonly recoveryCodes: number
}

/** A new secret for an authenticator app. It is in effect after `mfa.confirm`. */
export interface MfaEnrollment {
  /** In base32, to be typed into the app. */
  readonly secret: string
  /** For a QR code that the app scans. */
  readonly otpauthUri: string
}

/** Event in the history of an account. */
export interface SecurityEvent {
  /** Counts the events of the user from 1. */
  readonly number: number
  /** Such as `signed-in`, `session-ended`, `password-changed`, `mfa-enabled` or `locked`. */
  readonly event: string
  /** The session that was opened or ended, or that made the change. */
  readonly session: string | null
  readonly createdAt: Date
}
