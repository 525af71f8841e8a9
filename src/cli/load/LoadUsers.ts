import { Clock, Duration, Effect, Schedule, Schema } from "effect"
import { randomUUID } from "node:crypto"
import { commandError } from "../CommandError.ts"
import type { LoadClient, RequestFailed } from "./LoadClient.ts"

/** Each user has this many US dollars at the start. */
const BALANCE = "100000.00"
/** Users that register at the same time: the server hashes only a few passwords at a time. */
const CONCURRENCY = 2

/** A user of a run. */
export interface LoadUser {
  readonly username: string
  /** The present access token. */
  access: string
}

const decodeSession = Schema.decodeUnknownEffect(
  Schema.fromJsonString(
    Schema.Struct({ access: Schema.String, refresh: Schema.String, expires_in: Schema.Finite })
  )
)
const decodeDeposit = Schema.decodeUnknownEffect(
  Schema.fromJsonString(Schema.Struct({ state: Schema.String }))
)

const unexpected = () => commandError("The server answered in a way that this version does not understand")

/** Repeats a request that the server had no time for: too many passwords are hashed at the moment. */
const whileBusy = <A>(request: Effect.Effect<A, RequestFailed>) =>
  Effect.retry(request, {
    schedule: Schedule.spaced("200 millis"),
    times: 3,
    while: ({ code }) => code === "overloaded"
  })

/** Registers a user with a balance, and renews the session in the background. */
const create = Effect.fnUntraced(function* ({ send }: LoadClient, username: string) {
  const password = `load ${randomUUID()}`
  const registered = yield* whileBusy(
    send({ method: "POST", path: "/accounts/auth/register", body: { username, password } })
  )
  const session = yield* Effect.catchTag(decodeSession(registered), "SchemaError", unexpected)
  const user: LoadUser = { username, access: session.access }
  const deposit = yield* whileBusy(
    send({
      method: "PATCH",
      path: "/accounts/wallet/deposit",
      access: user.access,
      body: { amount: BALANCE, asset: "USD" }
    })
  )
  const { state } = yield* Effect.catchTag(decodeDeposit(deposit), "SchemaError", unexpected)
  if (state !== "completed")
    return yield* commandError(`A deposit is ${state}: the load needs a server with FUNDING=sandbox`)

  let refresh = session.refresh
  const renew = Effect.gen(function* () {
    const text = yield* send({ method: "POST", path: "/accounts/auth/refresh", body: { refresh } })
    const next = yield* Effect.catchTag(decodeSession(text), "SchemaError", unexpected)
    user.access = next.access
    refresh = next.refresh
  })
  yield* Effect.forkScoped(
    Effect.ignore(renew).pipe(Effect.delay(Duration.seconds(session.expires_in * 0.7)), Effect.forever)
  )
  return user
})

/**
 * Registers users, as many of `count` as the server lets one address register: at least two, which send money to each other.
 */
export const createAll = Effect.fnUntraced(function* (
  client: LoadClient,
  count: number,
  onProgress: (done: number) => Effect.Effect<void>
) {
  const run = (yield* Clock.currentTimeMillis).toString(36)
  const users: Array<LoadUser> = []
  let refusal: RequestFailed | undefined
  yield* Effect.forEach(
    Array.from({ length: count }, (_, n) => `load-${run}-${n + 1}`),
    (username) =>
      Effect.suspend(() => (refusal === undefined ? create(client, username) : Effect.undefined)).pipe(
        Effect.flatMap((user) => {
          if (user !== undefined) users.push(user)
          return onProgress(users.length)
        }),
        Effect.catchTag("RequestFailed", (error) => {
          refusal = error
          return error.code === "rate-limited" ? Effect.void : Effect.fail(error)
        })
      ),
    { concurrency: CONCURRENCY, discard: true }
  )
  if (users.length < 2)
    return yield* commandError(
      `No users could register (${refusal?.message}); one address registers 20 an hour, so wait or restart the server`
    )
  return users
})
