import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import { CALL_OPTIONS, type CallOptions, send, sendForNothing, type ServerAccess } from "../Requests.ts"
import type { MfaEnrollment, MfaStatus } from "./AccountValues.ts"

/** The password, and a code of the authenticator app or a recovery code. */
export interface MfaProof {
  readonly password: string
  readonly code: string
}

/** The second factor of the user who is signed in: an authenticator app (TOTP). */
export interface MfaCalls {
  /** Returns whether it is enabled, and how many recovery codes are left. */
  status(options?: CallOptions): Promise<MfaStatus>
  /** Creates a secret for an authenticator app. It is in effect after `confirm`. */
  enroll(request: { readonly password: string }, options?: CallOptions): Promise<MfaEnrollment>
  /** Enables it with a code of the app, ends every other session, and returns ten recovery codes. */
  confirm(request: { readonly code: string }, options?: CallOptions): Promise<ReadonlyArray<string>>
  /** Removes it, and ends every other session. */
  disable(proof: MfaProof, options?: CallOptions): Promise<void>
  /** Replaces the recovery codes by ten new ones, and ends every other session. */
  renewRecoveryCodes(proof: MfaProof, options?: CallOptions): Promise<ReadonlyArray<string>>
}

const MFA = "/api/v1/accounts/auth/mfa"

/** Makes the calls of the second factor. A code is accepted once, so a request is not repeated after a lost response. */
export const make = (access: ServerAccess): MfaCalls => {
  const post = (path: string, body: Readonly<Record<string, unknown>>) =>
    ({ path: `${MFA}/${path}`, body, as: "user", isUnsafe: true }) as const

  const recoveryCodes = async (path: string, body: Readonly<Record<string, unknown>>, options: CallOptions) =>
    Json.verbatim<ReadonlyArray<string>>(
      (await send(access, post(path, body), "recovery_codes", options))["recovery_codes"]
    )

  return {
    async status(options = {}) {
      Options.requireKnown("mfa.status", options, CALL_OPTIONS)
      return Json.decode<MfaStatus>(await send(access, { path: MFA, as: "user" }, "enabled", options))
    },
    async enroll(request, options = {}) {
      Options.requireKnown("mfa.enroll", request, ["password"])
      Options.requireKnown("mfa.enroll", options, CALL_OPTIONS)
      return Json.decode<MfaEnrollment>(
        await send(access, post("enroll", { ...request }), "otpauth_uri", options)
      )
    },
    async confirm(request, options = {}) {
      Options.requireKnown("mfa.confirm", request, ["code"])
      Options.requireKnown("mfa.confirm", options, CALL_OPTIONS)
      return recoveryCodes("confirm", { ...request }, options)
    },
    async disable(proof, options = {}) {
      Options.requireKnown("mfa.disable", proof, ["password", "code"])
      Options.requireKnown("mfa.disable", options, CALL_OPTIONS)
      await sendForNothing(access, post("disable", { ...proof }), options)
    },
    async renewRecoveryCodes(proof, options = {}) {
      Options.requireKnown("mfa.renewRecoveryCodes", proof, ["password", "code"])
      Options.requireKnown("mfa.renewRecoveryCodes", options, CALL_OPTIONS)
      return recoveryCodes("recovery-codes", { ...proof }, options)
    }
  }
}
