import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Schedule } from "effect"
import type { SqlClient } from "effect/sql"
import * as ApiRequests from "./ApiRequests.ts"

const USERS = ["amara", "bola", "chidi", "dayo"]
const FUNDS = 100_000
const PASSWORD = "a long enough passphrase"

/** What a writer does with its next key. Transfers go around in both directions, so that every wallet is busy. */
const KINDS = ["transfer forward", "deposit", "transfer back", "convert"] as const

interface Movement {
  readonly kind: (typeof KINDS)[number]
  readonly user: number
}

interface Attempt {
  readonly movement: Movement
  /** Undefined while no response said that the money moved. */
  readonly id: string | undefined
}

/** Sends a JSON body, and returns the status and the body of the response. */
const send = (
  url: string,
  method: string,
  path: string,
  body: object,
  headers: Record<string, string> = {}
) =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(`${url}/api/v1/${path}`, {
        method,
        signal,
        headers,
        body: JSON.stringify(body)
      })
      return { status: response.status, json: await response.json() }
    },
    catch: (cause) => new ApiRequests.NoResponse({ cause })
  })

/**
 * Registers users with money, who transfer, deposit and convert one dollar at a time, each under a key. All of them have
 * enough, so every key must move money once in the end.
 */
export const make = Effect.fnUntraced(function* (url: string) {
  const accesses = yield* Effect.forEach(USERS, (username) =>
    Effect.gen(function* () {
      const { json } = yield* send(url, "POST", "accounts/auth/register", { username, password: PASSWORD })
      const authorization = `Bearer ${json.access}`
      yield* send(url, "PATCH", "accounts/wallet/deposit", { amount: String(FUNDS) }, { authorization })
      return authorization
    })
  )
  const attempts = new Map<string, Attempt>()
  const neighbour = (user: number, step: number) => USERS[(user + step + USERS.length) % USERS.length]

  const requestOf = ({ kind, user }: Movement) => {
    switch (kind) {
      case "transfer forward":
      case "transfer back":
        return {
          method: "POST",
          path: "transfers",
          body: { to: neighbour(user, kind === "transfer forward" ? 1 : -1), asset: "USD", amount: "1" }
        }
      case "deposit":
        return { method: "PATCH", path: "accounts/wallet/deposit", body: { amount: "1" } }
      case "convert":
        return {
          method: "POST",
          path: "accounts/wallet/convert",
          body: { from: "USD", to: "NGN", amount: "1" }
        }
    }
  }

  /** Sends a movement once. Returns its id, or none if the outcome is unknown. */
  const attempt = Effect.fnUntraced(function* (to: string, key: string, movement: Movement) {
    if (!attempts.has(key)) attempts.set(key, { movement, id: undefined })
    const { body, method, path } = requestOf(movement)
    const headers = { authorization: accesses[movement.user] ?? "", "idempotency-key": key }
    const response = yield* Effect.option(send(to, method, path, body, headers))
    if (Option.isNone(response) || response.value.status === 503) return Option.none<string>()
    const { json, status } = response.value
    assert.include([200, 201, 202], status, `${key}: ${JSON.stringify(json)}`)
    const id = String(json.id ?? json.conversion?.audit_id)
    const known = attempts.get(key)?.id
    if (known !== undefined) assert.strictEqual(id, known, key)
    attempts.set(key, { movement, id })
    return Option.some(id)
  })

  const movementOf = (writer: number, n: number): Movement => ({
    kind: KINDS[(writer + n) % KINDS.length] ?? KINDS[0],
    user: n % USERS.length
  })

  /** Sends movements at the same time, once each. */
  const burst = (to: string, name: string, count: number) =>
    Effect.forEach(
      Array.from({ length: count }, (_, n) => n),
      (n) => attempt(to, `${name}, ${n}`, movementOf(Math.floor(n / KINDS.length), n)),
      { concurrency: "unbounded", discard: true }
    )

  /** Runs writers until enough movements were acknowledged, and then a fault, during which they go on. */
  const during = Effect.fnUntraced(function* <E, R>(
    to: string,
    name: string,
    { acknowledged, writers }: { readonly acknowledged: number; readonly writers: number },
    fault: Effect.Effect<void, E, R>
  ) {
    const hasEnough = yield* Deferred.make<void>()
    const state = { isRunning: true, remaining: acknowledged }
    const write = Effect.fnUntraced(function* (writer: number) {
      for (let n = 0; state.isRunning; n++) {
        const id = yield* attempt(to, `${name}, writer ${writer}, ${n}`, movementOf(writer, n))
        if (Option.isNone(id)) yield* Effect.sleep("20 millis")
        else if (--state.remaining === 0) Deferred.doneUnsafe(hasEnough, Effect.void)
      }
    })
    const all = yield* Effect.forkChild(
      Effect.forEach(
        Array.from({ length: writers }, (_, writer) => writer),
        write,
        { concurrency: "unbounded", discard: true }
      )
    )
    yield* Effect.timeout(Deferred.await(hasEnough), "2 minutes")
    yield* fault
    state.isRunning = false
    yield* Fiber.join(all)
  })

  const countUnknown = () => Array.from(attempts.values()).filter(({ id }) => id === undefined).length

  /** Retries every key until its outcome is known: one that had a response gets the same again. */
  const settle = (to: string) =>
    Effect.forEach(
      Array.from(attempts),
      ([key, { movement }]) =>
        attempt(to, key, movement).pipe(
          Effect.repeat({ until: Option.isSome, schedule: Schedule.spaced("100 millis") }),
          Effect.timeout("2 minutes")
        ),
      { concurrency: 8, discard: true }
    )

  /** Each key moved money once, and was counted once by the rules; the balances are what the movements add up to. */
  const check = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
    yield* sql`SELECT id FROM funding_request WHERE state = 'pending'`.pipe(
      Effect.repeat({ until: (rows) => rows.length === 0, schedule: Schedule.spaced("100 millis") }),
      Effect.timeout("1 minute")
    )
    assert.strictEqual(new Set(Array.from(attempts.values(), ({ id }) => id)).size, attempts.size)
    const expected = USERS.map(() => FUNDS)
    const add = (user: number, change: number) => {
      const at = (user + USERS.length) % USERS.length
      expected[at] = (expected[at] ?? 0) + change
    }
    for (const { movement } of attempts.values()) {
      const { kind, user } = movement
      add(user, kind === "deposit" ? 1 : -1)
      if (kind === "transfer forward") add(user + 1, 1)
      if (kind === "transfer back") add(user - 1, 1)
    }
    const rows = yield* sql<{ balance: string }>`
      SELECT trim_scale(balance)::text AS balance FROM ledger_account AS account
      JOIN wallet ON wallet.id = account.owner JOIN app_user ON app_user.id = user_id
      WHERE account.role = 'user' AND asset = 'USD' AND held = 0 ORDER BY username`
    assert.deepStrictEqual(
      rows.map(({ balance }) => balance),
      expected.map(String)
    )
    const outward = Array.from(attempts.values()).filter(({ movement }) => movement.kind !== "deposit").length
    const [usage] = yield* sql<{ counted: number }>`SELECT sum(day_count)::int AS counted FROM risk_usage`
    assert.strictEqual(usage?.counted, outward)
    const unbalanced = yield* sql`SELECT asset FROM ledger_account GROUP BY asset HAVING sum(balance) <> 0`
    assert.deepStrictEqual(unbalanced, [])
  })

  return { attempts, countUnknown, burst, during, settle, check }
})
