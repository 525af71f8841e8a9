import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { readFileSync } from "node:fs"
import { get as request } from "node:http"
import * as Effex from "../support/Effex.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as RawSocket from "../support/RawSocket.ts"
import * as Workload from "../support/Workload.ts"

const ROWS = 100_000
const IDLE_SECONDS = 5
const ATTACK_SECONDS = 10
const MAX_GROWTH_MIB = 200
/** Allowed for the scheduling of this machine, which also runs the attack. */
const MARGIN_MILLIS = 50

const HISTORY = "/api/v1/rates/history?from=USD&to=NGN"

const memoryMib = (pid: number | undefined) =>
  Math.round(
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024
  )

/** Inserts a year of rates of one pair. */
const insertRates = Effect.fnUntraced(function* ({
  sql
}: Effect.Success<ReturnType<typeof NodeEnvironment.make>>) {
  yield* sql`SELECT ensure_monthly_partitions('exchange_rate', now() - interval '12 months', 12)`
  yield* sql`
    INSERT INTO exchange_rate (id, source_currency, destination_currency, rate, source_amount, destination_amount,
      provider, provider_rate, raw, observed_at, recorded_at)
    SELECT
      (lpad(to_hex((extract(epoch FROM observed_at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
      'USD', 'NGN', rate, 1, rate, 'sandbox', rate::text, '{}', observed_at, observed_at
    FROM (
      SELECT n, 1500 + (n % 100)::numeric / 10 AS rate,
        date_trunc('milliseconds', now() - interval '364 days' + interval '363 days' * (n::float8 / ${ROWS}::int)) AS observed_at
      FROM generate_series(1, ${ROWS}::int) AS n
    ) AS generated`
  yield* sql`ANALYZE exchange_rate`
})

const convert = (url: string) =>
  Effect.promise(async () => {
    const startedAt = performance.now()
    const response = await fetch(`${url}/api/v1/convert`, {
      method: "POST",
      body: '{"amount":"1.00","from_currency":"USD","to_currency":"NGN"}'
    })
    await response.text()
    assert.strictEqual(response.status, 200)
    return performance.now() - startedAt
  })

/** Converts repeatedly. Returns the latency in milliseconds. */
const measure = Effect.fnUntraced(function* (url: string, seconds: number) {
  const millis: Array<number> = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    millis.push(yield* convert(url))
    yield* Effect.sleep("10 millis")
  }
  const sorted = millis.toSorted((a, b) => a - b)
  const at = (fraction: number) => Math.ceil(sorted[Math.floor(sorted.length * fraction)] ?? 0)
  return { p50: at(0.5), p99: at(0.99) }
})

/** Requests a path in the same way again and again. Counts the responses by status. */
const repeat = (url: string, path: string, accept: string, statuses: Map<number, number>) =>
  Effect.forever(
    Effect.callback<void>((resume) => {
      const sent = request(url + path, { headers: { accept }, agent: false }, (response) => {
        const status = response.statusCode ?? 0
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        response.resume().once("close", () => resume(Effect.sleep("100 millis")))
      }).once("error", () => resume(Effect.sleep("100 millis")))
      return Effect.sync(() => sent.destroy())
    })
  )

const ATTACKS = {
  "ten clients that export all rates": { clients: 10, path: HISTORY, accept: "text/csv" },
  "thirty clients that request daily candles of a year": {
    clients: 30,
    path: `${HISTORY}&interval=1d&page_size=365`,
    accept: "application/json"
  },
  "thirty clients that request long pages": {
    clients: 30,
    path: `${HISTORY}&page_size=1000`,
    accept: "application/json"
  }
}

describe("Heavy requests of one address", () => {
  for (const [name, { accept, clients, path }] of Object.entries(ATTACKS)) {
    it.live(`do not slow down conversions or exhaust memory: ${name}`, () =>
      Effect.gen(function* () {
        const environment = yield* NodeEnvironment.make({ POLL_INTERVAL: "off" })
        const server = yield* Effex.serve({ ...environment.env, RATE_LIMIT_READS: "6000/minute" })
        yield* insertRates(environment)
        const idle = yield* measure(server.url, IDLE_SECONDS)
        const idleMemory = memoryMib(server.process.pid)
        let maxMemory = idleMemory
        yield* Effect.sync(() => {
          maxMemory = Math.max(maxMemory, memoryMib(server.process.pid))
        }).pipe(Effect.repeat(Schedule.spaced("100 millis")), Effect.forkScoped)
        const statuses = new Map<number, number>()
        const attack = yield* Effect.all(
          Array.from({ length: clients }, () => repeat(server.url, path, accept, statuses)),
          { concurrency: "unbounded", discard: true }
        ).pipe(Effect.forkScoped)
        const attacked = yield* measure(server.url, ATTACK_SECONDS)
        yield* Fiber.interrupt(attack)
        // Before and after, because other programs may slow down this machine.
        const later = yield* measure(server.url, IDLE_SECONDS)
        const idleP99 = Math.max(idle.p99, later.p99)
        yield* Workload.report(
          `${name}: conversions p50 ${idle.p50} ms, p99 ${idleP99} ms when idle, ${attacked.p50} and ${attacked.p99} ms during the attack; memory ${idleMemory} MiB, at most ${maxMemory} MiB; ${JSON.stringify(Object.fromEntries(statuses))}`
        )
        assert.isAbove(statuses.get(200) ?? 0, 0)
        assert.isAbove(statuses.get(429) ?? 0, 0)
        assert.isAtMost(maxMemory, idleMemory + MAX_GROWTH_MIB)
        assert.isAtMost(attacked.p99, 2 * idleP99 + MARGIN_MILLIS)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
    )
  }

  it.live("of which two are exports that nobody reads are disconnected, so that others can export", () =>
    Effect.gen(function* () {
      const environment = yield* NodeEnvironment.make({ POLL_INTERVAL: "off" })
      const server = yield* Effex.serve(environment.env)
      yield* insertRates(environment)
      const exportStatus = Effect.promise(async () => {
        const response = await fetch(server.url + HISTORY, { headers: { accept: "text/csv" } })
        await response.body?.cancel()
        return response.status
      })
      const startedAt = performance.now()
      const memoryBefore = memoryMib(server.process.pid)
      for (const _ of [1, 2]) {
        const head = `GET ${HISTORY} HTTP/1.1\r\nhost: localhost\r\naccept: text/csv\r\n\r\n`
        const { socket } = yield* RawSocket.connect(Number(new URL(server.url).port), head)
        socket.pause()
      }
      const statuses = new Set<number>()
      yield* Effect.sleep("1 second").pipe(
        Effect.andThen(exportStatus),
        Effect.tap((status) => Effect.sync(() => statuses.add(status))),
        Effect.repeat({ until: (status) => status === 200 }),
        Effect.timeout("2 minutes")
      )
      const { body } = yield* Effex.get(server.url, "/metrics")
      yield* Workload.report(
        `Two unread exports: disconnected after ${Math.round((performance.now() - startedAt) / 1000)} s; memory ${memoryBefore} MiB before, ${memoryMib(server.process.pid)} MiB after`
      )
      assert.deepStrictEqual(Array.from(statuses), [429, 200])
      assert.match(body, /effex_http_disconnects_total\{reason="stalled"\} [12]/)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})

describe("max_age=1 millis of an address", () => {
  it.live("causes at most one provider call and one row in half a minute, and delays nobody", () =>
    Effect.gen(function* () {
      const { env, sql } = yield* NodeEnvironment.make({ POLL_INTERVAL: "off" })
      const server = yield* Effex.serve(env)
      yield* Effex.get(server.url, "/api/v1/rates?from=USD&to=NGN")
      const sources = new Map<string, number>()
      const end = performance.now() + 10_000
      while (performance.now() < end) {
        const { headers } = yield* Effex.get(server.url, "/api/v1/rates?from=USD&to=NGN&max_age=1%20millis")
        const source = headers.get("x-rate-source") ?? "none"
        sources.set(source, (sources.get(source) ?? 0) + 1)
        yield* Effect.sleep("20 millis")
      }
      const [row] = yield* sql<{ count: number }>`SELECT count(*)::int AS count FROM exchange_rate`
      yield* Workload.report(
        `max_age=1 millis for 10 s: ${JSON.stringify(Object.fromEntries(sources))}; ${row?.count} rows`
      )
      assert.isAtMost(row?.count ?? 0, 2)
      assert.isAtMost(sources.get("provider") ?? 0, 1)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
