import { DateTime, Option, Result } from "effect"
import { generateURI, ScureBase32Plugin, verifySync } from "otplib"

/** Length of a secret, as RFC 4226 recommends. */
export const SECRET_BYTES = 20
const PERIOD_SECONDS = 30
/** Only well-formed codes reach the library, which throws for others. */
const CODE = /^\d{6}$/

const base32 = new ScureBase32Plugin()

/** Returns a secret as people type it into an authenticator app: base32 without padding (RFC 4648). */
export const toText = (secret: Uint8Array): string => base32.encode(secret, { padding: false })

/** Returns the `otpauth` URI of a secret, which authenticator apps read from a QR code. */
export const uriOf = (secret: Uint8Array, issuer: string, username: string): string =>
  generateURI({ issuer, label: username, secret: toText(secret) })

/**
 * Returns the time step of a code (RFC 6238) if it is right, and of a later step than `lastStep`. Accepts the codes of this
 * step and of the one before, because it takes people a while to type.
 */
export const stepOf = (
  secret: Uint8Array,
  code: string,
  now: DateTime.Utc,
  lastStep: number
): Option.Option<number> => {
  if (!CODE.test(code)) return Option.none()
  const epoch = Math.floor(DateTime.toEpochMillis(now) / 1000)
  // The library throws for what it does not expect, such as a short secret.
  const verified = Result.try(() =>
    verifySync({
      strategy: "totp",
      secret,
      token: code,
      epoch,
      epochTolerance: [PERIOD_SECONDS, 0]
    })
  )
  const result = Result.getOrUndefined(verified)
  if (result?.valid !== true || !("timeStep" in result)) return Option.none()
  return result.timeStep > lastStep ? Option.some(result.timeStep) : Option.none()
}
