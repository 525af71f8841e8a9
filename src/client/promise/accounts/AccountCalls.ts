import { EffexError, SessionEnded } from "../EffexError.ts"
import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import * as Pages from "../Pages.ts"
import { CALL_OPTIONS, type CallOptions, send, sendForNothing, type ServerAccess } from "../Requests.ts"
import type { SecurityEvent, User, UserSession } from "./AccountValues.ts"
import * as MfaCalls from "./MfaCalls.ts"
import { CSRF, type Session } from "./Session.ts"

export interface RegisterRequest {
  /** 3 to 32 of the letters a to z, digits and `.`, `_`, `-`. */
  readonly username: string
  /** At least 10 characters. */
  readonly password: string
  readonly email?: string | undefined
}

/** Username and password, or the `mfaToken` of `MfaRequired`; and `code` with a second factor. */
export type LoginRequest =
  | { readonly username: string; readonly password: string; readonly code?: string | undefined }
  | { readonly mfaToken: string; readonly code: string }

export interface SecurityEventOptions extends CallOptions {
  /** Rows per request, 1 to 1000. Default: 50. */
  readonly pageSize?: number | undefined
}

/** The account of a user. A client has one session; `register` and `login` replace it. */
export interface AccountCalls {
  /** Creates an account and signs in. */
  register(request: RegisterRequest, options?: CallOptions): Promise<User>
  /** Signs in. Rejects with `MfaRequired` if the account has a second factor and there is no `code`. */
  login(request: LoginRequest, options?: CallOptions): Promise<User>
  /** Ends the session on the server and deletes its tokens. If it fails, the user is still signed in. */
  logout(options?: CallOptions): Promise<void>
  /** Ends all sessions of the user, this one too. */
  logoutAll(options?: CallOptions): Promise<void>
  /** Ends all sessions of the user except this one. */
  logoutOthers(options?: CallOptions): Promise<void>
  /** Returns false if no user is signed in. Renews the tokens if they expired. */
  isSignedIn(options?: CallOptions): Promise<boolean>
  /** Returns the user who is signed in. */
  me(options?: CallOptions): Promise<User>
  /** Changes the user. Null removes the email address. */
  update(changes: { readonly email: string | null }, options?: CallOptions): Promise<User>
  /** Changes the password, and ends every other session of the user. */
  changePassword(
    request: { readonly currentPassword: string; readonly newPassword: string },
    options?: CallOptions
  ): Promise<void>
  /** Lists where the user is signed in, newest first. */
  sessions(options?: CallOptions): Promise<ReadonlyArray<UserSession>>
  /** Signs one device out. */
  endSession(sessionId: string, options?: CallOptions): Promise<void>
  /** Lists what happened to the account, newest first. */
  securityEvents(options?: SecurityEventOptions): Pages.PagedList<SecurityEvent>
  /** The second factor. */
  readonly mfa: MfaCalls.MfaCalls
}

const ACCOUNTS = "/api/v1/accounts"

/** Makes the calls of accounts. */
export const make = (access: ServerAccess, session: Session, inCookie: boolean): AccountCalls => {
  /** Signs in. Not repeated after a lost response: the account would exist, or the code would be used. */
  const signIn = async (path: string, fields: object, options: CallOptions) => {
    const sentAt = Date.now()
    const request = {
      path: `${ACCOUNTS}/auth/${path}`,
      body: { ...fields, ...(inCookie ? { cookie: true } : {}) },
      headers: inCookie ? CSRF : {},
      as: "anonymous",
      isUnsafe: true
    } as const
    const response = await send(access, request, "user", options)
    await session.signIn(response, sentAt)
    return Json.decode<User>(response["user"])
  }

  const requestMe = async (options: CallOptions) =>
    Json.decode<User>(await send(access, { path: `${ACCOUNTS}/me`, as: "user" }, "username", options))

  return {
    async register(request, options = {}) {
      Options.requireKnown("register", request, ["username", "password", "email"])
      Options.requireKnown("register", options, CALL_OPTIONS)
      return signIn("register", request, options)
    },

    async login(request, options = {}) {
      Options.requireKnown("login", request, ["username", "password", "mfaToken", "code"])
      Options.requireKnown("login", options, CALL_OPTIONS)
      if (!("mfaToken" in request)) return signIn("login", request, options)
      return signIn("login", { mfa_token: request.mfaToken, code: request.code }, options)
    },

    async logout(options = {}) {
      Options.requireKnown("logout", options, CALL_OPTIONS)
      const tokens = await session.current()
      if (tokens === undefined && !inCookie) return
      const request = {
        path: `${ACCOUNTS}/auth/logout`,
        body: tokens?.refresh === undefined ? {} : { refresh: tokens.refresh },
        headers: inCookie ? CSRF : {},
        as: "anonymous"
      } as const
      await sendForNothing(access, request, options).catch((error: unknown) => {
        // There is no cookie, so no user is signed in.
        if (!(inCookie && error instanceof EffexError && error.code === "invalid-request")) throw error
      })
      await session.end(tokens?.sessionId)
    },

    async logoutAll(options = {}) {
      Options.requireKnown("logoutAll", options, CALL_OPTIONS)
      const tokens = await session.current()
      const request = { path: `${ACCOUNTS}/auth/logout-all`, method: "POST", as: "user" } as const
      await sendForNothing(access, request, options).catch((error: unknown) => {
        // An attempt without a response ended the session.
        if (!(error instanceof SessionEnded && error.sent)) throw error
      })
      await session.end(tokens?.sessionId)
    },

    async logoutOthers(options = {}) {
      Options.requireKnown("logoutOthers", options, CALL_OPTIONS)
      const request = { path: `${ACCOUNTS}/auth/logout-others`, method: "POST", as: "user" } as const
      await sendForNothing(access, request, options)
    },

    async isSignedIn(options = {}) {
      Options.requireKnown("isSignedIn", options, CALL_OPTIONS)
      try {
        await requestMe(options)
        return true
      } catch (error) {
        if (error instanceof SessionEnded) return false
        throw error
      }
    },

    async me(options = {}) {
      Options.requireKnown("me", options, CALL_OPTIONS)
      return requestMe(options)
    },

    async update(changes, options = {}) {
      Options.requireKnown("update", changes, ["email"])
      Options.requireKnown("update", options, CALL_OPTIONS)
      const request = { path: `${ACCOUNTS}/me`, method: "PATCH", body: changes, as: "user" } as const
      return Json.decode<User>(await send(access, request, "username", options))
    },

    async changePassword(request, options = {}) {
      Options.requireKnown("changePassword", request, ["currentPassword", "newPassword"])
      Options.requireKnown("changePassword", options, CALL_OPTIONS)
      const body = { current_password: request.currentPassword, new_password: request.newPassword }
      const input = { path: `${ACCOUNTS}/me/password`, body, as: "user", isUnsafe: true } as const
      await sendForNothing(access, input, options)
    },

    async sessions(options = {}) {
      Options.requireKnown("sessions", options, CALL_OPTIONS)
      const request = { path: `${ACCOUNTS}/sessions`, as: "user" } as const
      const { data } = await send(access, request, "data", options)
      return Json.decode<ReadonlyArray<UserSession>>(data)
    },

    async endSession(sessionId, options = {}) {
      Options.requireKnown("endSession", options, CALL_OPTIONS)
      const id = Options.pathId("sessionId", sessionId)
      const request = { path: `${ACCOUNTS}/sessions/${id}`, method: "DELETE", as: "user" } as const
      await sendForNothing(access, { ...request, isUnsafe: true }, options)
    },

    securityEvents(options = {}) {
      Options.requireKnown("securityEvents", options, ["pageSize", ...CALL_OPTIONS])
      const query = { page_size: Options.pageSize(options.pageSize) }
      const request = { path: `${ACCOUNTS}/security-events`, query, as: "user" } as const
      return Pages.read<SecurityEvent>(access, request, options)
    },

    mfa: MfaCalls.make(access)
  }
}
