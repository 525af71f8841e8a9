import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as EffexCommand from "../support/EffexCommand.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as TestConversions from "../support/TestConversions.ts"

const WRITERS = 12
const ACKNOWLEDGED_BEFORE_KILL = 40
const KILLS = 2
const PASSWORD = "a long enough passphrase"
/** Each writer goes on to the next kind: answers at once, later, and after they were lost. */
const KINDS = [
  { path: "deposit", note: null },
  { path: "withdraw", note: null },
  { path: "deposit", note: "sandbox:lost" },
  { path: "withdraw", note: "sandbox:later 3" },
  { path: "withdraw", note: "sandbox:fail" }
] as const

interface Attempt {
  readonly key: string
  readonly path: "deposit" | "withdraw"
  readonly note: string | null
}

type Body = Readonly<Record<string, unknown>>

const call = (url: string, access: unknown, method: string, path: string, init: RequestInit = {}) =>
  Effect.tryPromise(async (): Promise<Body> => {
    const response = await fetch(`${url}/api/v1/accounts${path}`, {
      method,
      ...init,
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${String(access)}`,
        ...init.headers
      }
    })
    return { status: response.status, ...JSON.parse(await response.text()) }
  })

const send = (url: string, access: unknown, { key, note, path }: Attempt) =>
  call(url, access, "PATCH", `/wallet/${path}`, {
    body: JSON.stringify({ amount: "1", note }),
    headers: { "idempotency-key": key }
  })

/** All deposits and withdrawals of the user. */
const readAll = Effect.fnUntraced(function* (url: string, access: unknown) {
  const { data, has_more: hasMore } = yield* call(url, access, "GET", "/wallet/funding?page_size=1000")
  assert.isFalse(hasMore)
  const rows: ReadonlyArray<Body> = Array.isArray(data) ? data : []
  return rows
})

describe("kill -9 of the server under deposits and withdrawals", () => {
  it.live(
    "loses no request, and retrying every key moves each amount once",
    () =>
      Effect.gen(function* () {
        const { env } = yield* NodeEnvironment.make({
          FUNDING: "sandbox",
          JWT_SIGNING_KEY: TestConversions.SIGNING_KEY,
          POLL_INTERVAL: "off",
          PRICE_POLL_INTERVAL: "off"
        })
        yield* EffexCommand.exec(["users", "create", "amara"], env, PASSWORD)
        const signIn = (url: string) =>
          Effect.map(
            call(url, "", "POST", "/auth/login", {
              body: JSON.stringify({ username: "amara", password: PASSWORD })
            }),
            ({ access }) => access
          )
        const sent: Array<Attempt> = []
        const acknowledged = new Map<string, unknown>()

        for (let round = 0; round < KILLS; round++) {
          const server = yield* Effex.serve(env)
          const access = yield* signIn(server.url)
          yield* call(server.url, access, "PATCH", "/wallet/deposit", {
            body: JSON.stringify({ amount: "1000" })
          })
          const hasEnough = yield* Deferred.make<void>()
          const writer = (number: number) => {
            let n = 0
            return Effect.gen(function* () {
              const kind = KINDS[(number + n) % KINDS.length] ?? KINDS[0]
              const attempt = { ...kind, key: `${round}-${number}-${n++}` }
              sent.push(attempt)
              const { id, status } = yield* send(server.url, access, attempt)
              assert.include([200, 202], status)
              acknowledged.set(attempt.key, id)
              if (acknowledged.size >= ACKNOWLEDGED_BEFORE_KILL * (round + 1))
                yield* Deferred.succeed(hasEnough, undefined)
            }).pipe(Effect.forever, Effect.ignore)
          }
          const load = yield* Effect.forkChild(
            Effect.forEach(
              Array.from({ length: WRITERS }, (_, number) => number),
              writer,
              { concurrency: "unbounded", discard: true }
            )
          )
          yield* Effect.timeout(Deferred.await(hasEnough), "2 minutes")
          server.process.kill("SIGKILL")
          assert.strictEqual(yield* server.ended, "SIGKILL")
          yield* Fiber.join(load)
        }

        const { process, url } = yield* Effex.serve(env)
        const access = yield* signIn(url)
        for (const attempt of sent) {
          const { id, status } = yield* send(url, access, attempt)
          assert.include([200, 202], status, attempt.key)
          if (acknowledged.has(attempt.key)) assert.strictEqual(id, acknowledged.get(attempt.key))
        }
        const rows = yield* readAll(url, access).pipe(
          Effect.delay("200 millis"),
          Effect.repeat({ until: (all) => all.every(({ state }) => state !== "pending") }),
          Effect.timeout("1 minute")
        )
        assert.strictEqual(rows.length, sent.length + KILLS)
        const expected = rows.reduce((sum, { amount, direction, state }) => {
          if (state !== "completed") return sum
          return sum + (direction === "deposit" ? 1 : -1) * Number(amount)
        }, 0)
        const failing = sent.filter(({ note }) => note === "sandbox:fail").length
        assert.strictEqual(rows.filter(({ state }) => state === "failed").length, failing)
        const { balances } = yield* call(url, access, "GET", "/wallet")
        assert.deepStrictEqual(balances, [
          {
            asset: "USD",
            balance: expected.toFixed(2),
            held: "0.00",
            available: expected.toFixed(2)
          }
        ])
        const verified = yield* EffexCommand.exec(["ledger", "verify", "--json"], env)
        assert.deepInclude(verified.json, { ok: true })
        process.kill("SIGTERM")
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000
  )
})
