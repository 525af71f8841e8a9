import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import * as Effex from "../support/Effex.ts"
import * as StubServer from "../providers/StubServer.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { parseJsonObject } from "../support/TestServer.ts"

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000]
const preload = fileURLToPath(new URL("../support/ClockOffset.ts", import.meta.url))

type Node = Effect.Success<ReturnType<typeof Effex.serve>>

/** A provider whose rate the test sets, and which counts its requests. */
const provider = Effect.gen(function* () {
  const state = { rate: 1500, requests: 0 }
  const url = yield* StubServer.listen((request, response) => {
    const { amount, from, to } = StubServer.parseQuery(request)
    state.requests++
    response.setHeader("content-type", "application/json")
    response.end(StubServer.quotation(from, to, Number(amount), Number(amount) / state.rate, state.rate))
  })
  return { state, url }
})

/** Nodes that share a database and a provider. Each has its own time of day. */
const cluster = Effect.gen(function* () {
  const { state, url: providerUrl } = yield* provider
  const databaseUrl = yield* TestDatabase.create
  const sql = yield* PgClient.makeClient({ url: Redacted.make(databaseUrl) })
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(path.join(tmpdir(), "effex-clock-"))),
    (created) => Effect.sync(() => rmSync(created, { recursive: true }))
  )
  const env = {
    DATABASE_URL: databaseUrl,
    FLUTTERWAVE_BASE_URL: providerUrl,
    FLUTTERWAVE_SECRET_KEY: "key",
    AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY,
    RATE_SOURCES: "USD",
    RATE_DESTINATIONS: "NGN",
    STALE_AFTER: "10 minutes",
    POLL_INTERVAL: "1 second",
    POLL_SPACING: "0 millis",
    ALLOW_ANONYMOUS_CONVERT: "true"
  }
  let nodes = 0
  const start = Effect.fnUntraced(function* (offsetMillis: number) {
    const file = path.join(folder, `${nodes++}`)
    writeFileSync(file, String(offsetMillis))
    const node = yield* Effex.serve({
      ...env,
      CLOCK_OFFSET_FILE: file,
      NODE_OPTIONS: `--import=${preload}`
    })
    const setOffset = (millis: number) =>
      Effect.sync(() => {
        writeFileSync(file, String(millis))
        node.process.kill("SIGUSR2")
      })
    return { ...node, setOffset }
  })
  return { env, provider: state, sql, start }
})

const json = (node: Node, request: string) =>
  Effect.map(Effex.get(node.url, request), ({ body, headers, status }) => ({
    status,
    headers,
    json: parseJsonObject(body)
  }))

const lookup = (node: Node) => json(node, "/api/v1/rates?from=USD&to=NGN")

const CONVERSION = { amount: "100.00", from_currency: "USD", to_currency: "NGN" }

const post = (node: Node, path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(`${node.url}/api/v1/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body)
    })
    return { status: response.status, json: parseJsonObject(await response.text()) }
  })

const convert = (node: Node, headers: Readonly<Record<string, string>> = {}) =>
  post(node, "convert", CONVERSION, headers)

const clockOf = (node: Node) =>
  Effect.map(json(node, "/health/ready"), (health) => {
    const { checks } = Object.assign({ checks: {} }, health.json)
    const { clock } = Object.assign({ clock: {} }, checks)
    const found = Object.assign({ skew_seconds: Number.NaN, detail: "" }, clock)
    return { ...health, clock: found, detail: String(found.detail) }
  })

const timeOf = (fields: Readonly<Record<string, unknown>>, name: string) => Date.parse(String(fields[name]))

/** Repeats a request until its result matches, for 30 seconds. */
const until = <A, E, R>(effect: Effect.Effect<A, E, R>, matches: (result: A) => boolean) =>
  effect.pipe(
    Effect.repeat({ until: matches, schedule: Schedule.spaced("50 millis") }),
    Effect.timeout("30 seconds")
  )

/** Asserts that a time is between two times of this machine, which is the one of the database. */
const assertBetween = (time: number, start: number, end: number, subject: string) =>
  assert.isTrue(time >= start - SECOND && time <= end + SECOND, `${subject}: ${new Date(time).toISOString()}`)

const now = Effect.sync(() => Date.now())

describe("Two nodes with different clocks", () => {
  for (const [offset, expected] of [
    [SECOND, "ok"],
    [-SECOND, "ok"],
    [10 * MINUTE, "degraded"],
    [-10 * MINUTE, "degraded"],
    [DAY, "down"],
    [-DAY, "down"]
  ] as const) {
    it.live(
      `serve no wrong rate while one is ${Math.abs(offset / 1000)} seconds ${offset < 0 ? "behind" : "ahead"}`,
      () =>
        Effect.gen(function* () {
          const { provider, sql, start } = yield* cluster
          const startedAt = yield* now
          const skewed = yield* start(offset)
          const right = yield* start(0)
          yield* until(lookup(right), ({ status }) => status === 200)

          // The rate moves by 8 %: both nodes serve the new one, with its true time.
          const movedAt = yield* now
          provider.rate = 1620
          for (const node of [right, skewed]) {
            const found = yield* until(lookup(node), ({ json }) => json["rate"] === "1620")
            assert.strictEqual(found.json["stale"], false)
            assertBetween(timeOf(found.json, "fetched_at"), movedAt, yield* now, "fetched_at")
            assert.isAtMost(Number(found.headers.get("age")), 30)
          }

          const { clock, detail, status } = yield* clockOf(skewed)
          assert.approximately(Number(clock.skew_seconds), offset / 1000, 0.5)
          assert.strictEqual(Object.assign({ status: "" }, clock).status, expected)
          assert.strictEqual(status, expected === "down" ? 503 : 200)
          if (expected !== "ok") assert.include(detail, "the clock of the database")
          assert.strictEqual((yield* clockOf(right)).status, 200)

          for (const node of [right, skewed]) {
            const before = yield* now
            const converted = yield* convert(node)
            if (node === skewed && expected === "down") {
              assert.deepInclude(converted.json, { status: 503, code: "clock-skewed", retryable: true })
              continue
            }
            assert.strictEqual(converted.status, 200)
            const [fetchedAt, convertedAt] = ["rate_fetched_at", "converted_at"].map((name) =>
              timeOf(converted.json, name)
            )
            assert.isAtMost(fetchedAt ?? Number.NaN, convertedAt ?? Number.NaN)
            assertBetween(convertedAt ?? Number.NaN, before, yield* now, "converted_at")
          }
          // A quote expires at the same time on both nodes.
          if (expected !== "down") {
            const quotedAt = yield* now
            const quote = yield* post(skewed, "quotes", { ...CONVERSION, ttl: "1 second" })
            assert.strictEqual(quote.status, 201)
            assertBetween(timeOf(quote.json, "expires_at"), quotedAt, (yield* now) + SECOND, "expires_at")
            const state = (node: Node) => json(node, `/api/v1/quotes/${String(quote.json["quote_id"])}`)
            for (const node of [right, skewed])
              yield* until(state(node), ({ json }) => json["state"] === "expired")
            for (const node of [right, skewed]) {
              const used = yield* post(node, "convert", { ...CONVERSION, quote_id: quote.json["quote_id"] })
              assert.strictEqual(used.json["code"], "quote-expired")
            }
          }
          // A skewed node beyond the bound leaves polling to the other one.
          if (expected === "down") assert.notMatch(skewed.output(), /This process polls as leader/)

          const at = String((yield* lookup(right)).json["fetched_at"])
          const asOf = yield* Effect.forEach([right, skewed], (node) =>
            json(node, `/api/v1/rates/as-of?from=USD&to=NGN&at=${at}`)
          )
          const [first, second] = asOf.map(({ json }) => json["rate_id"])
          assert.isString(first)
          assert.strictEqual(first, second)

          const rows = yield* sql<{ observed_at: Date; recorded_at: Date }>`
          SELECT observed_at, recorded_at FROM exchange_rate`
          for (const { observed_at, recorded_at } of rows) {
            assertBetween(observed_at.getTime(), startedAt, yield* now, "observed_at")
            assertBetween(recorded_at.getTime(), startedAt, yield* now, "recorded_at")
          }
        }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
    )
  }

  it.live("continue after the clock of the leader is set back by an hour, and hand over after a day", () =>
    Effect.gen(function* () {
      const { env, provider, start } = yield* cluster
      const leader = yield* start(0)
      yield* until(lookup(leader), ({ status }) => status === 200)
      const created = yield* Effex.run(["keys", "create", "--name", "shop", "--scope", "convert"], env)
      yield* created.ended
      const [authorization, id] = [`Bearer ${created.stdout().trim()}`, /key_\w+/.exec(created.output())?.[0]]
      assert.strictEqual((yield* convert(leader, { authorization })).status, 200, created.output())

      yield* leader.setOffset(-HOUR)
      yield* until(clockOf(leader), ({ clock }) => Number(clock.skew_seconds) < -3000)
      const requests = provider.requests
      yield* until(
        Effect.sync(() => provider.requests),
        (count) => count > requests + 2
      )
      const found = yield* lookup(leader)
      assert.strictEqual(found.json["stale"], false)
      assertBetween(timeOf(found.json, "fetched_at"), (yield* now) - 30 * SECOND, yield* now, "fetched_at")
      const revoked = yield* Effex.run(["keys", "revoke", id ?? assert.fail(created.output())], env)
      yield* revoked.ended
      yield* until(convert(leader, { authorization }), ({ status }) => status === 401)

      // Beyond MAX_CLOCK_SKEW, another node takes over the polls.
      const follower = yield* start(0)
      yield* leader.setOffset(-DAY)
      yield* follower.written(/This process polls as leader/).pipe(Effect.timeout("30 seconds"))
      assert.deepInclude((yield* convert(leader)).json, { code: "clock-skewed" })
      provider.rate = 1560
      yield* until(lookup(follower), ({ json }) => json["rate"] === "1560")
      yield* until(lookup(leader), ({ json }) => json["rate"] === "1560")
      assert.strictEqual((yield* convert(follower)).status, 200)

      yield* leader.setOffset(0)
      yield* until(clockOf(leader), ({ status }) => status === 200)
      assert.strictEqual((yield* convert(leader)).status, 200)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
