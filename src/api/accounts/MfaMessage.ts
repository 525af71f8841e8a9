import { Schema } from "effect"

/** Longer text is no password or code, and is refused before anything is computed. */
const Text = Schema.String.check(Schema.isMaxLength(4096))

export const MfaStatusMessage = Schema.Struct({
  enabled: Schema.Boolean,
  /** Recovery codes that were not used. */
  recovery_codes: Schema.Int
}).annotate({ identifier: "MfaStatus" })

export const MfaEnrollBody = Schema.Struct({ password: Text }).annotate({ identifier: "MfaEnroll" })

export const MfaEnrollmentMessage = Schema.Struct({
  /** In base32, to be typed into the app. */
  secret: Schema.String,
  /** For a QR code that the app scans. */
  otpauth_uri: Schema.String
}).annotate({ identifier: "MfaEnrollment" })

export const MfaConfirmBody = Schema.Struct({ code: Text }).annotate({ identifier: "MfaConfirm" })

/** `code` is of the authenticator app, or a recovery code. */
export const MfaProofBody = Schema.Struct({ password: Text, code: Text }).annotate({ identifier: "MfaProof" })

export const RecoveryCodesMessage = Schema.Struct({
  /** Each replaces a code of the app once. They cannot be read again. */
  recovery_codes: Schema.Array(Schema.String)
}).annotate({ identifier: "RecoveryCodes" })
