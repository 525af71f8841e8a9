import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlClient } from "effect/sql"
import * as ApiRequests from "../support/ApiRequests.ts"
import * as Effex from "../support/Effex.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as Workload from "../support/Workload.ts"

const WRITERS = 16
const ROUNDS = 3
const MAX_ROUNDS = 10
const ACKNOWLEDGED_BEFORE_KILL = 60
const KEYS_PER_LOST_COMMIT = 20
const FUNDS = 10_000
const ENV = { JWT_SIGNING_KEY: TestConversions.SIGNING_KEY }

interface Attempt {
  readonly status: number
  readonly id: string | undefined
}

/** Sends a JSON body for a user. */
const send = (
  url: string,
  method: string,
  path: string,
  body: object,
  headers: Readonly<Record<string, string>>
) =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(`${url}/api/v1/accounts/${path}`, {
        method,
        signal,
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body)
      })
      return { status: response.status, json: await response.json() }
    },
    catch: (cause) => new ApiRequests.NoResponse({ cause })
  })

/** Registers a user with {@link FUNDS} US dollars. Returns the header of its requests. */
const makeUser = Effect.fnUntraced(function* (url: string) {
  const registered = yield* send(
    url,
    "POST",
    "auth/register",
    { username: "amara", password: "a long enough passphrase" },
    {}
  )
  const authorization = `Bearer ${registered.json.access}`
  yield* send(url, "PATCH", "wallet/deposit", { amount: String(FUNDS) }, { authorization })
  const balance = Effect.promise(async (): Promise<string> => {
    const response = await fetch(`${url}/api/v1/accounts/wallet`, { headers: { authorization } })
    return (await response.json()).balance
  })
  yield* balance.pipe(
    Effect.repeat({ until: (text) => Number(text) === FUNDS, schedule: Schedule.spaced("50 millis") }),
    Effect.timeout("1 minute")
  )
  return { authorization, balance }
})

/** Converts one dollar. No response or a 503: the outcome is unknown. */
const convert = Effect.fnUntraced(function* (url: string, authorization: string, key: string) {
  const body = { from: "USD", to: "NGN", amount: "1" }
  const response = yield* Effect.option(
    send(url, "POST", "wallet/convert", body, { authorization, "idempotency-key": key })
  )
  const attempt: Attempt = Option.match(response, {
    onNone: () => ({ status: 503, id: undefined }),
    onSome: ({ json, status }) => ({ status, id: json.conversion?.audit_id })
  })
  assert.oneOf(attempt.status, [201, 503])
  return attempt
})

/** Retries each key until it succeeds. One that had a response must get the same conversion. */
const settle = Effect.fnUntraced(function* (
  url: string,
  authorization: string,
  attempts: ReadonlyMap<string, Attempt>
) {
  const settled = yield* Effect.forEach(
    attempts,
    ([key, { id }]) =>
      convert(url, authorization, key).pipe(
        Effect.repeat({ until: ({ status }) => status === 201, schedule: Schedule.spaced("100 millis") }),
        Effect.timeout("1 minute"),
        Effect.map((retried) => {
          if (id !== undefined) assert.strictEqual(retried.id, id, key)
          return retried.id
        })
      ),
    { concurrency: WRITERS }
  )
  assert.strictEqual(new Set(settled).size, attempts.size)
})

/** Every conversion has a record and a transfer, and the user has paid for each key once. */
const check = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, keys: number) {
  const rows = yield* sql`
    SELECT count(*)::int AS pairs, count(record.id)::int AS records, count(transfer.id)::int AS transfers
    FROM conversion_audit AS record
    FULL JOIN (SELECT id FROM ledger_transfer WHERE kind = 'conversion') AS transfer ON transfer.id = record.id`
  assert.deepStrictEqual(rows, [{ pairs: keys, records: keys, transfers: keys }])
  const [user] = yield* sql<{ balance: string }>`
    SELECT balance::text AS balance FROM ledger_account WHERE role = 'user' AND asset = 'USD'`
  assert.strictEqual(Number(user?.balance), FUNDS - keys)
})

const verify = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  for (const subject of ["ledger", "audit"]) {
    const { ended, output } = yield* Effex.run([subject, "verify"], env)
    assert.strictEqual(yield* ended, 0, output())
  }
})

describe("Conversions in a wallet", () => {
  it.live("survive kill -9 of the server: one record and one transfer per key", () =>
    Effect.gen(function* () {
      const { env, sql } = yield* NodeEnvironment.make(ENV)
      const attempts = new Map<string, Attempt>()
      const start = Effex.serve(env)
      let server = yield* start
      const { authorization } = yield* makeUser(server.url)
      for (let round = 1; round <= ROUNDS; round++) {
        const hasEnough = yield* Deferred.make<void>()
        let remaining = ACKNOWLEDGED_BEFORE_KILL
        const state = { isRunning: true }
        const { url } = server
        const write = Effect.fnUntraced(function* (writer: number) {
          for (let n = 0; state.isRunning; n++) {
            const key = `round ${round}, writer ${writer}, ${n}`
            attempts.set(key, { status: 503, id: undefined })
            const attempt = yield* convert(url, authorization, key)
            attempts.set(key, attempt)
            if (attempt.status === 201 && --remaining === 0) Deferred.doneUnsafe(hasEnough, Effect.void)
          }
        })
        const writers = yield* Effect.forkChild(
          Effect.forEach(
            Array.from({ length: WRITERS }, (_, n) => n),
            write,
            { concurrency: "unbounded" }
          )
        )
        yield* Effect.timeout(Deferred.await(hasEnough), "1 minute")
        server.process.kill("SIGKILL")
        state.isRunning = false
        yield* server.ended
        yield* Fiber.join(writers)
        server = yield* start
      }
      const unknown = Array.from(attempts.values()).filter(({ status }) => status !== 201).length
      yield* settle(server.url, authorization, attempts)
      yield* check(sql, attempts.size)
      yield* verify(env)
      yield* Workload.report(
        `kill -9 ${ROUNDS} times during conversions in a wallet: ${attempts.size} keys, ${unknown} without a response; each has one record and one transfer`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("return the first result to the retry of a commit whose confirmation is lost", () =>
    Effect.gen(function* () {
      const { env, proxiedEnv, proxy, sql } = yield* NodeEnvironment.behindProxy(ENV)
      const server = yield* Effex.serve(proxiedEnv)
      yield* server.written(/44 refreshed/)
      const { authorization } = yield* makeUser(server.url)
      const attempts = new Map<string, Attempt>()
      let lost = 0
      // The marker may come first in the commit of another task.
      for (let round = 1; round <= ROUNDS || (lost === 0 && round <= MAX_ROUNDS); round++) {
        const before = yield* sql`SELECT id FROM ledger_transfer WHERE kind = 'conversion'`
        proxy.mute("COMMIT")
        const results = yield* Effect.forEach(
          Array.from({ length: KEYS_PER_LOST_COMMIT }, (_, n) => `round ${round}, ${n}`),
          (key) => Effect.map(convert(server.url, authorization, key), (attempt) => [key, attempt] as const),
          { concurrency: "unbounded" }
        )
        for (const [key, attempt] of results) attempts.set(key, attempt)
        const after = yield* sql`SELECT id FROM ledger_transfer WHERE kind = 'conversion'`
        const acknowledged = results.filter(([, { status }]) => status === 201).length
        lost += after.length - before.length - acknowledged
        proxy.heal()
        yield* settle(server.url, authorization, attempts)
      }
      yield* check(sql, attempts.size)
      yield* verify(env)
      yield* Workload.report(
        `The confirmations of ${lost} conversions in a wallet lost: each retry returned the first result`
      )
      assert.isAtLeast(lost, 1)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
