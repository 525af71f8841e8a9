import { Duration, Option, Redacted } from "effect"
import { define } from "../SettingDefinition.ts"
import { duration, oneOf, optional } from "../SettingParsers.ts"

/** Settings of user accounts. */

const KEY_BYTES = 32
const isKey = (text: string) => {
  const key = Buffer.from(text, "base64")
  return key.length === KEY_BYTES && key.toString("base64") === text
}

/** A key, or two of them during a rotation. */
const oneOrTwoKeys = {
  allowed: "32 bytes in base64, or two of these, separated by a comma",
  isSecret: true,
  ...optional((text) => {
    const keys = text.split(",").map((key) => key.trim())
    return keys.length <= 2 && keys.every(isKey) && new Set(keys).size === keys.length
      ? Option.some(keys.map((key) => Redacted.make(key)))
      : Option.none()
  })
} as const

export const JWT_SIGNING_KEY = define({
  name: "JWT_SIGNING_KEY",
  defaultText: "none: a key is generated in DATA_DIR on the first start",
  description:
    "Ed25519 private key that signs access tokens: its 32-byte seed in base64. During a rotation, the new key and the previous one, separated by a comma",
  ...oneOrTwoKeys
})

/** Longest lifetime of an access token. Verification refuses any other. */
export const MAX_ACCESS_TOKEN_TTL = Duration.hours(1)

export const ACCESS_TOKEN_TTL = define({
  name: "ACCESS_TOKEN_TTL",
  defaultValue: Duration.minutes(10),
  defaultText: "10 minutes",
  description: "Lifetime of an access token. A client then refreshes it",
  ...duration("30 seconds", "1 hour")
})

export const REFRESH_TOKEN_TTL = define({
  name: "REFRESH_TOKEN_TTL",
  defaultValue: Duration.days(30),
  defaultText: "30 days",
  description: "Time after which an unused session expires. Each refresh starts it again",
  ...duration("1 hour", "365 days")
})

const registration = oneOf("open", "closed")

export const REGISTRATION = define({
  name: "REGISTRATION",
  defaultValue: true,
  defaultText: "open",
  description:
    "`open`: everybody can create an account. `closed`: only an administrator, with `effex users create`",
  allowed: registration.allowed,
  parse: (text) => Option.map(registration.parse(text), (value) => value === "open")
})

export const MFA_ENCRYPTION_KEY = define({
  name: "MFA_ENCRYPTION_KEY",
  defaultText: "none: a key is generated in DATA_DIR on the first start",
  description:
    "Key that encrypts the secrets of second factors: 32 bytes in base64. During a rotation, the new key and the previous one, separated by a comma",
  ...oneOrTwoKeys
})

/** Settings of user accounts, by the names of their values. */
export const accountSettings = {
  /** Seeds of the Ed25519 keys of access tokens; the first one signs. None: generated keys in `dataDir`. */
  jwtSigningKeys: JWT_SIGNING_KEY,
  accessTokenTtl: ACCESS_TOKEN_TTL,
  /** Time after which an unused session expires. */
  refreshTokenTtl: REFRESH_TOKEN_TTL,
  /** If false, only administrators create users. */
  openRegistration: REGISTRATION,
  /** Keys that encrypt the secrets of second factors; the first one encrypts. None: generated keys in `dataDir`. */
  mfaEncryptionKeys: MFA_ENCRYPTION_KEY
}
