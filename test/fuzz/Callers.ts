import { DateTime, Effect, Option, Schema } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { generateSync } from "otplib"
import type { Exchange } from "./RawConnection.ts"
import type { Document, SecurityScheme } from "./Document.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import * as ResponseIds from "./requests/ResponseIds.ts"
import * as Seed from "./Seed.ts"
import type { Target } from "./Target.ts"

/** Password of every user that the fuzzer creates. No response may contain it. */
export const PASSWORD = "Fuzzed passphrase 7391"

/** Users who send requests at the same time. */
const SLOTS = ["administrator", "user", "enrolled", "second factor"] as const
/** Number of requests after which another user takes over, before the access token expires. */
const REQUESTS_PER_USER = 400
/** Share of requests with the credentials that the operation requires. */
const REQUIRED_CREDENTIALS_RATIO = 0.9

/** The sender of a request. */
export interface Caller {
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** Values for the request: those of the caller, or from earlier responses. */
  readonly responseIds: ResponseIds.ResponseIds
  /** Learns from a response. Replaces a user whose session has ended. */
  readonly observe: (exchange: Exchange) => Effect.Effect<void, never, HttpClient.HttpClient>
}

/** The senders of requests: an API key, users who are signed in, an administrator, and anonymous ones. */
export interface Callers {
  /** Picks a caller, mostly one with the credentials that the operation requires. */
  readonly pick: (random: RandomChoice, required: SecurityScheme | undefined) => Caller
  /** Value of the `Authorization` header of a user; undefined if nobody is signed in. */
  readonly authorization: (random: RandomChoice) => string | undefined
}

interface User {
  readonly id: string
  readonly username: string
  readonly session: string
  readonly responseIds: ResponseIds.ResponseIds
  access: string
  refresh: string
  /** Secret of the second factor, if the user has enrolled. */
  secret: string | undefined
  recoveryCodes: ReadonlyArray<string>
  requests: number
}

const Tokens = Schema.Struct({
  access: Schema.String,
  refresh: Schema.optionalKey(Schema.String),
  session_id: Schema.String
})
const decodeTokens = Schema.decodeUnknownOption(Tokens)
const decodeOpened = Schema.decodeUnknownOption(
  Schema.Struct({ ...Tokens.fields, user: Schema.Struct({ id: Schema.String }) })
)
const decodeEnrollment = Schema.decodeUnknownOption(Schema.Struct({ secret: Schema.String }))
const decodeRecoveryCodes = Schema.decodeUnknownOption(
  Schema.Struct({ recovery_codes: Schema.Array(Schema.String) })
)
const decodeProblem = Schema.decodeUnknownOption(Schema.Struct({ code: Schema.String }))
const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Registers the users. A server that refuses them, because of its limits, gets requests of the other callers only. */
export const make = Effect.fn("Callers.make")(function* (
  { key, url }: Target,
  document: Document,
  responseIds: ResponseIds.ResponseIds
) {
  // Names of an earlier run on the same server are taken.
  const run = DateTime.toEpochMillis(yield* DateTime.now).toString(36)
  let registered = 0
  const users = new Map<number, User>()

  const post = Effect.fnUntraced(function* (path: string, body: object, headers: Record<string, string>) {
    const request = HttpClientRequest.post(url + path).pipe(
      HttpClientRequest.setHeaders(headers),
      HttpClientRequest.bodyJsonUnsafe(body)
    )
    return yield* Effect.flatMap(HttpClient.execute(request), ({ json }) => json)
  })

  /** Sends the first requests of a user, who learns from the responses. */
  const seed = ({ access, responseIds: own }: User) =>
    Effect.forEach(
      Seed.requests,
      Effect.fnUntraced(function* ({ body, method, path }) {
        const request = HttpClientRequest.make(method)(url + path).pipe(
          HttpClientRequest.bearerToken(access),
          HttpClientRequest.bodyJsonUnsafe(body)
        )
        const { json, status } = yield* HttpClient.execute(request)
        if (status < 300) own.addAll(yield* json, document.find(method, path))
      }),
      { discard: true }
    )

  /** Registers a user, who replaces the one in the slot. */
  const register = Effect.fnUntraced(
    function* (slot: number) {
      users.delete(slot)
      const number = registered++
      const username = `fuzz.${run}.${number}`
      const address = `10.255.${(number >> 8) % 256}.${number % 256}`
      const credentials = { username, password: PASSWORD }
      const send = (path: string, body: object, token?: string) =>
        post(path, body, {
          "x-forwarded-for": address,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
        })
      let opened = decodeOpened(yield* send("/api/v1/accounts/auth/register", credentials))
      if (SLOTS[slot] === "administrator" && key !== undefined && Option.isSome(opened)) {
        const role = { role: "admin", reason: "Administrator of the fuzzer" }
        yield* send(`/api/v1/admin/users/${opened.value.user.id}/role`, role, key)
        // The change of the role has ended the session.
        opened = decodeOpened(yield* send("/api/v1/accounts/auth/login", credentials))
      }
      if (Option.isNone(opened)) return
      const { access, refresh = "", session_id: session } = opened.value
      const user: User = {
        id: opened.value.user.id,
        username,
        session,
        responseIds: ResponseIds.own(responseIds),
        access,
        refresh,
        secret: undefined,
        recoveryCodes: [],
        requests: 0
      }
      if (SLOTS[slot] === "enrolled" || SLOTS[slot] === "second factor")
        learn(user, yield* send("/api/v1/accounts/auth/mfa/enroll", { password: PASSWORD }, access))
      if (SLOTS[slot] === "second factor" && user.secret !== undefined) {
        const code = generateSync({ secret: user.secret })
        learn(user, yield* send("/api/v1/accounts/auth/mfa/confirm", { code }, access))
      }
      user.responseIds.add("session_id", session)
      user.responseIds.add("username", username)
      responseIds.add("recipient", username)
      users.set(slot, user)
      yield* seed(user)
    },
    (work) => Effect.ignore(work)
  )

  const learn = (user: User, json: unknown) => {
    const tokens = decodeTokens(json)
    if (Option.isSome(tokens) && tokens.value.session_id === user.session) {
      const { access, refresh = user.refresh } = tokens.value
      Object.assign(user, { access, refresh })
    }
    const enrollment = decodeEnrollment(json)
    if (Option.isSome(enrollment)) user.secret = enrollment.value.secret
    const codes = decodeRecoveryCodes(json)
    if (Option.isSome(codes)) user.recoveryCodes = codes.value.recovery_codes
  }

  const observe = (slot: number, user: User) =>
    Effect.fnUntraced(function* ({ responses: [response] }: Exchange) {
      if (users.get(slot) !== user) return
      user.requests++
      const text = response === undefined || response.body.length > 10_000 ? "" : response.body.toString()
      const json = Option.getOrUndefined(decodeJson(text))
      if (response !== undefined && response.status < 300) learn(user, json)
      const hasEnded = Option.exists(decodeProblem(json), ({ code }) => code === "session-ended")
      if (hasEnded || user.requests > REQUESTS_PER_USER) yield* register(slot)
    })

  const callerOfUser = (slot: number, user: User): Caller => ({
    headers: [["Authorization", `Bearer ${user.access}`]],
    responseIds: {
      ...user.responseIds,
      pick: (random, kind) => secretOf(random, user, kind) ?? user.responseIds.pick(random, kind)
    },
    observe: observe(slot, user)
  })

  const anonymous: Caller = { headers: [], responseIds, observe: () => Effect.void }
  const withKey = (onBehalfOf: User | undefined): Caller => ({
    ...anonymous,
    responseIds: onBehalfOf?.responseIds ?? responseIds,
    headers: [
      ["Authorization", `Bearer ${key}`],
      ...(onBehalfOf === undefined ? [] : [["Effex-On-Behalf-Of", onBehalfOf.id] as const])
    ]
  })

  for (const slot of SLOTS.keys()) yield* register(slot)

  const callers: Callers = {
    pick: (random, required) => {
      const kinds =
        required !== undefined && random.chance(REQUIRED_CREDENTIALS_RATIO)
          ? KINDS_BY_SCHEME[required]
          : KINDS
      const kind = random.pick(kinds)
      const slot = kind === "administrator" ? 0 : random.below(SLOTS.length)
      const user = users.get(slot)
      if ((kind === "user" || kind === "administrator") && user !== undefined) return callerOfUser(slot, user)
      if (kind === "anonymous" || key === undefined) return anonymous
      return withKey(kind === "key for a user" ? user : undefined)
    },
    authorization: (random) => {
      const user = users.get(random.below(SLOTS.length))
      return user === undefined ? undefined : `Bearer ${user.access}`
    }
  }
  return callers
})

type Kind = "administrator" | "key" | "key for a user" | "anonymous" | "user"

const times = (count: number, kind: Kind) => Array.from({ length: count }, () => kind)

/** Distribution of the senders of requests. */
const KINDS = [
  ...times(10, "key"),
  ...times(7, "user"),
  ...times(2, "key for a user"),
  ...times(1, "anonymous")
]
/** Distribution of the senders that have the credentials of a scheme. */
const KINDS_BY_SCHEME: Readonly<Record<SecurityScheme, ReadonlyArray<Kind>>> = {
  bearer: ["key"],
  administrator: ["key", "key", "administrator"],
  accessToken: ["user", "user", "user", "key for a user"]
}

/** Value of a user that only this user has, and that changes; undefined if there is none. */
const secretOf = (random: RandomChoice, user: User, kind: string): string | undefined => {
  switch (kind) {
    case "refresh":
      return user.refresh
    case "code":
      return codeOf(random, user)
    default:
      return undefined
  }
}

/** A code of the authenticator app that may be right, or a recovery code. */
const codeOf = (random: RandomChoice, { recoveryCodes, secret }: User) =>
  recoveryCodes.length > 0 && random.chance(0.5)
    ? random.pick(recoveryCodes)
    : secret === undefined
      ? undefined
      : generateSync({ secret })
