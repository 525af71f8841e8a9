import { PgClient } from "@effect/sql-pg"
import { assert, describe, inject, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as TcpDoor from "../support/TcpDoor.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as Asking from "../support/Asking.ts"

const AT_ONCE = 20
const AMOUNT = 500
/** The longest that a caller waits for a store that does not answer. */
const BOUND_MILLIS = 5000
const HEAL_TIMEOUT = "20 seconds"

/** A server that reaches its database only through the door, and that has its rates in memory. */
const serveThroughDoor = Effect.gen(function* () {
  const url = yield* TestDatabase.create
  const door = yield* TcpDoor.open({ path: inject("postgres") })
  const server = yield* Effex.serve({
    DATABASE_URL: `postgres://effex@127.0.0.1:${door.port}${new URL(url).pathname}?sslmode=disable`,
    AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY
  })
  yield* server.written(/44 refreshed/).pipe(Effect.timeout("15 seconds"))
  const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
  return { door, server, sql }
})

const convertAll = (url: string, keys: ReadonlyArray<string>) =>
  Effect.forEach(keys, (key) => Asking.convert(url, key, AMOUNT), {
    concurrency: "unbounded"
  })

const keysOf = (name: string) => Array.from({ length: AT_ONCE }, (_, i) => `${name} ${i + 1}`)

/** Every answer says that the store is away, in time, and carries no number and no record. */
const assertRefused = Effect.fnUntraced(function* (url: string, keys: ReadonlyArray<string>) {
  const [took, answers] = yield* Effect.timed(convertAll(url, keys))
  for (const { body, contentType, status } of answers) {
    assert.strictEqual(status, 503, body)
    assert.strictEqual(contentType, "application/problem+json")
    const problem: Readonly<Record<string, unknown>> = JSON.parse(body)
    assert.strictEqual(problem["code"], "store-unavailable")
    for (const name of ["audit_id", "output_amount", "mid_rate", "rate"]) assert.notProperty(problem, name)
  }
  assert.isBelow(Duration.toMillis(took), BOUND_MILLIS)
  const rate = yield* Effex.get(url, "/api/v1/rates?from=USD&to=NGN")
  assert.strictEqual(rate.status, 200, rate.body)
  assert.strictEqual(rate.headers.get("x-rate-source"), "memory")
})

/** Converts again without a restart; how long that takes is returned. */
const untilHealed = (url: string, key: string) =>
  Asking.convert(url, key, AMOUNT).pipe(
    Effect.repeat({ until: ({ status }) => status === 200 }),
    Effect.timeout(HEAL_TIMEOUT),
    Effect.timed,
    Effect.map(([took]) => Duration.toMillis(took))
  )

/** Each key has one record: a second retry tells the same, and the table holds no other. */
const assertOneRecordEach = Effect.fnUntraced(function* (
  url: string,
  sql: PgClient.PgClient,
  keys: ReadonlyArray<string>
) {
  const told: Array<string> = []
  for (const expectReplay of [false, true]) {
    const answers = yield* convertAll(url, keys)
    for (const { body, replayed, status } of answers) {
      assert.strictEqual(status, 200, body)
      if (expectReplay) assert.isTrue(replayed)
    }
    told.splice(0, told.length, ...answers.map(Asking.auditIdOf))
  }
  const rows = yield* sql<{ key: string; id: string }>`
    SELECT key, (answer::jsonb ->> 'audit_id') AS id FROM idempotency WHERE ${sql.in("key", keys)}`
  const byKey = new Map(rows.map(({ id, key }) => [key, id]))
  assert.deepStrictEqual(
    keys.map((key) => byKey.get(key)),
    told
  )
  const [count] = yield* sql<{ records: bigint; keys: bigint }>`
    SELECT (SELECT count(*) FROM conversion_audit) AS records, (SELECT count(*) FROM idempotency) AS keys`
  assert.strictEqual(count?.records, count?.keys)
})

const test = (name: string, shut: (door: TcpDoor.TcpDoor) => void) =>
  it.live(
    name,
    () =>
      Effect.gen(function* () {
        const { door, server, sql } = yield* serveThroughDoor
        const warm = keysOf("warm")
        for (const { body, status } of yield* convertAll(server.url, warm)) {
          assert.strictEqual(status, 200, body)
        }
        const keys: Array<string> = [...warm]
        // Twice: what healed once must not have used anything up.
        for (const round of ["first", "second"]) {
          const idle = keysOf(`${round}, idle`)
          const inFlight = keysOf(`${round}, in flight`)
          const underWay = yield* Effect.forkChild(convertAll(server.url, inFlight))
          yield* Effect.sleep("3 millis")
          shut(door)
          yield* assertRefused(server.url, idle)
          for (const { body, status } of yield* Effect.timeout(Fiber.join(underWay), "5 seconds")) {
            assert.include([200, 503], status, body)
          }
          // The pool has nothing left that answers.
          yield* assertRefused(server.url, idle)
          door.heal()
          const took = yield* untilHealed(server.url, `${round}, healed`)
          assert.isBelow(took, 15_000)
          keys.push(...idle, ...inFlight, `${round}, healed`)
        }
        yield* assertOneRecordEach(server.url, sql, keys)
        assert.isNull(server.process.exitCode)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    90_000
  )

describe("PostgreSQL behind a network that fails", () => {
  test("refuses in time and heals by itself when everything is swallowed", (door) => door.blackhole())
  test("refuses in time and heals by itself when connections are reset", (door) => door.reset())
})
