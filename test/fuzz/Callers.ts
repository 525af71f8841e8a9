import { DateTime, Effect, Option, Schema } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { generateSync } from "otplib"
import type { Exchange } from "./RawConnection.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import type { ResponseIds } from "./ResponseIds.ts"
import type { Target } from "./Target.ts"

/** Password of every user that the fuzzer creates. No response may contain it. */
export const PASSWORD = "Fuzzed passphrase 7391"

/** Users who send requests at the same time. */
const SLOTS = ["administrator", "user", "enrolled", "second factor"] as const
/** Number of requests after which another user takes over, before the access token expires. */
const REQUESTS_PER_USER = 400
/** Share of values that belong to the caller, such as its own id. */
const OWN_VALUE_RATIO = 0.7

/** Deposits of a new user, so that requests move money. */
const DEPOSITS = { USD: "100000.00", EUR: "50000.00", NGN: "1000000.00" }
/** Share of values named `to` that are another user. The others are currencies. */
const RECIPIENT_RATIO = 0.3

/** The sender of a request. */
export interface Caller {
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** Values for the request: those of the caller, or from earlier responses. */
  readonly responseIds: ResponseIds
  /** Learns from a response. Replaces a user whose session has ended. */
  readonly observe: (exchange: Exchange) => Effect.Effect<void, never, HttpClient.HttpClient>
}

/** The senders of requests: an API key, users who are signed in, an administrator, and nobody. */
export interface Callers {
  readonly pick: (random: RandomChoice) => Caller
  /** Value of the `Authorization` header of a user; undefined if nobody is signed in. */
  readonly authorization: (random: RandomChoice) => string | undefined
}

interface User {
  readonly id: string
  readonly username: string
  readonly session: string
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
export const make = Effect.fn("Callers.make")(function* ({ key, url }: Target, responseIds: ResponseIds) {
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

  const deposit = (access: string, asset: string, amount: string) =>
    HttpClient.execute(
      HttpClientRequest.patch(`${url}/api/v1/accounts/wallet/deposit`).pipe(
        HttpClientRequest.bearerToken(access),
        HttpClientRequest.bodyJsonUnsafe({ asset, amount })
      )
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
      users.set(slot, user)
      yield* Effect.forEach(Object.entries(DEPOSITS), ([asset, amount]) => deposit(access, asset, amount))
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

  const recipientOf = (random: RandomChoice) => users.get(random.below(SLOTS.length))?.username

  const callerOfUser = (slot: number, user: User): Caller => ({
    headers: [["Authorization", `Bearer ${user.access}`]],
    responseIds: {
      ...responseIds,
      pick: (random, name) =>
        (random.chance(OWN_VALUE_RATIO) ? ownValue(random, user, name) : undefined) ??
        (name === "to" && random.chance(RECIPIENT_RATIO) ? recipientOf(random) : undefined) ??
        responseIds.pick(random, name)
    },
    observe: observe(slot, user)
  })

  const anonymous: Caller = { headers: [], responseIds, observe: () => Effect.void }
  const withKey = (onBehalfOf: User | undefined): Caller => ({
    ...anonymous,
    headers: [
      ["Authorization", `Bearer ${key}`],
      ...(onBehalfOf === undefined ? [] : [["Effex-On-Behalf-Of", onBehalfOf.id] as const])
    ]
  })

  for (const slot of SLOTS.keys()) yield* register(slot)

  const callers: Callers = {
    pick: (random) => {
      const slot = random.below(SLOTS.length)
      const user = users.get(slot)
      const kind = random.pick(KINDS)
      if (kind === "user" && user !== undefined) return callerOfUser(slot, user)
      if (kind === "nobody" || key === undefined) return anonymous
      return withKey(kind === "key for a user" ? user : undefined)
    },
    authorization: (random) => {
      const user = users.get(random.below(SLOTS.length))
      return user === undefined ? undefined : `Bearer ${user.access}`
    }
  }
  return callers
})

/** Distribution of the senders of requests. */
const KINDS = [
  ...Array.from({ length: 10 }, () => "key" as const),
  ...Array.from({ length: 7 }, () => "user" as const),
  ...Array.from({ length: 2 }, () => "key for a user" as const),
  "nobody" as const
]

/** Value of a user for a parameter; undefined if it has none. */
const ownValue = (random: RandomChoice, user: User, name: string): string | undefined => {
  switch (name) {
    case "user_id":
      return user.id
    case "session_id":
      return user.session
    case "username":
      return user.username
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
