import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as Asking from "./Asking.ts"

const WRITERS = 24
const ACKNOWLEDGED_BEFORE_KILL = 300
const KILLS = 3
const READY_MILLIS = 5000

/** What a driver that outlives the server knows: every key that it sent, with its amount, and each first answer. */
const makeModel = () => ({ sent: new Map<string, number>(), acknowledged: new Map<string, string>() })
type Model = ReturnType<typeof makeModel>
type Server = Effect.Success<ReturnType<typeof Effex.serve>>

/** Writers convert until the server is gone. */
const writeUntilKilled = Effect.fnUntraced(function* (server: Server, model: Model, round: number) {
  const before = model.acknowledged.size
  const writer = Effect.fnUntraced(function* (w: number) {
    for (let i = 1; ; i++) {
      const key = `round ${round}, writer ${w}, ${i}`
      model.sent.set(key, i)
      const answer = yield* Asking.convert(server.url, key, i)
      if (Option.isNone(answer)) return
      assert.strictEqual(answer.value.status, 200, answer.value.body)
      assert.isFalse(answer.value.replayed)
      model.acknowledged.set(key, answer.value.body)
      if (model.acknowledged.size - before === ACKNOWLEDGED_BEFORE_KILL) server.process.kill("SIGKILL")
    }
  })
  yield* Effect.all(
    Array.from({ length: WRITERS }, (_, w) => writer(w)),
    { concurrency: "unbounded" }
  ).pipe(Effect.timeout("20 seconds"))
  assert.strictEqual(yield* server.ended, "SIGKILL")
})

/** Sends every key again, and expects the first answer wherever one was given. Returns the id of each key's record. */
const retryAll = (url: string, model: Model) =>
  Effect.forEach(
    model.sent,
    Effect.fnUntraced(function* ([key, amount]) {
      const answer = Option.getOrThrow(yield* Asking.convert(url, key, amount))
      assert.strictEqual(answer.status, 200, answer.body)
      const first = model.acknowledged.get(key)
      if (first !== undefined) {
        assert.isTrue(answer.replayed)
        assert.strictEqual(answer.body, first)
      }
      model.acknowledged.set(key, answer.body)
      return Asking.auditIdOf(answer)
    }),
    { concurrency: WRITERS }
  )

const sealed = Effect.fnUntraced(function* (url: string) {
  const { body } = yield* Effex.get(url, "/api/v1/audit/verify")
  const found: { ok: boolean; records: number; unsealed?: number } = JSON.parse(body)
  return found
})

describe("kill -9 of the server under 24 writers", () => {
  it.live(
    "loses nothing that was acknowledged, and a retry of each key leaves one record of it",
    () =>
      Effect.gen(function* () {
        const url = yield* TestDatabase.create
        const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
        const env = { DATABASE_URL: url, AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY }
        const recorded = Effect.map(
          sql<{ id: string }>`SELECT id FROM conversion_audit`,
          (rows) => new Set(rows.map(({ id }) => id))
        )
        const model = makeModel()
        for (let round = 1; round <= KILLS; round++) {
          const server = yield* Effex.serve(env)
          yield* writeUntilKilled(server, model, round)
          const ids = yield* recorded
          for (const body of model.acknowledged.values()) {
            const { audit_id }: { audit_id: string } = JSON.parse(body)
            assert.isTrue(ids.has(audit_id), `${audit_id} was acknowledged, and is lost`)
          }
          assert.isAtMost(ids.size, model.sent.size)
        }

        const [took, again] = yield* Effect.timed(Effex.serve(env))
        assert.isBelow(Duration.toMillis(took), READY_MILLIS)
        const told = yield* retryAll(again.url, model)
        const ids = yield* recorded
        assert.strictEqual(ids.size, model.sent.size)
        assert.deepStrictEqual(told.toSorted(), Array.from(ids).toSorted())
        const [remembered] = yield* sql<{ count: bigint }>`SELECT count(*) FROM idempotency`
        assert.strictEqual(Number(remembered?.count), model.sent.size)

        const verified = yield* sealed(again.url).pipe(
          Effect.delay("100 millis"),
          Effect.repeat({ until: ({ ok, unsealed }) => !ok || unsealed === 0 }),
          Effect.timeout("10 seconds")
        )
        assert.deepInclude(verified, { ok: true, records: model.sent.size, unsealed: 0 })
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    60_000
  )
})
