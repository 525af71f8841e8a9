import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import type { TcpProxy } from "../support/TcpProxy.ts"
import * as Workload from "../support/Workload.ts"

const AT_ONCE = 20
const AMOUNT = 500
/** The longest that a caller waits for a store that does not answer. */
const BOUND_MILLIS = 5000
const HEAL_TIMEOUT = "1 minute"

const convertAll = (url: string, workload: Workload.Workload, name: string) =>
  Effect.forEach(
    Array.from({ length: AT_ONCE }, (_, i) => `${name} ${i + 1}`),
    (key) => Effect.map(workload.convert(url, key, AMOUNT), Option.getOrThrow),
    { concurrency: "unbounded" }
  )

/** Every answer says that the store is away, in time, and carries no number and no record. */
const assertRefused = Effect.fnUntraced(function* (url: string, workload: Workload.Workload, name: string) {
  const [took, answers] = yield* Effect.timed(convertAll(url, workload, name))
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
  return Math.round(Duration.toMillis(took))
})

/** Converts again without a restart; how long that takes is returned. */
const untilHealed = (url: string, workload: Workload.Workload, key: string) =>
  workload.convert(url, key, AMOUNT).pipe(
    Effect.repeat({ until: Option.exists(({ status }) => status === 200) }),
    Effect.timeout(HEAL_TIMEOUT),
    Effect.timed,
    Effect.map(([took]) => Math.round(Duration.toMillis(took)))
  )

const test = (name: string, fault: string, shut: (door: TcpProxy) => void) =>
  it.live(
    name,
    () =>
      Effect.gen(function* () {
        const { door, sql, through } = yield* NodeEnvironment.behindDoor()
        const server = yield* Effex.serve(through)
        yield* server.written(/44 refreshed/).pipe(Effect.timeout("30 seconds"))
        const workload = Workload.make(fault)
        for (const { body, status } of yield* convertAll(server.url, workload, "warm"))
          assert.strictEqual(status, 200, body)
        const refusals: Array<number> = []
        const heals: Array<number> = []
        // Twice: what healed once must not have used anything up.
        for (const round of ["first", "second"]) {
          const underWay = yield* Effect.forkChild(convertAll(server.url, workload, `${round}, in flight`))
          yield* Effect.sleep("3 millis")
          shut(door)
          refusals.push(yield* assertRefused(server.url, workload, `${round}, idle`))
          for (const { body, status } of yield* Effect.timeout(Fiber.join(underWay), "5 seconds"))
            assert.include([200, 503], status, body)
          // The pool has nothing left that answers.
          refusals.push(yield* assertRefused(server.url, workload, `${round}, idle`))
          door.heal()
          heals.push(yield* untilHealed(server.url, workload, `${round}, healed`))
        }
        const settled = yield* Integrity.check({ workload, url: server.url, sql })
        assert.isNull(server.process.exitCode)
        yield* Workload.report(
          `PostgreSQL ${fault} twice: ${AT_ONCE} at once refused within ${refusals.join(", ")} ms, healed after ${heals.join(", ")} ms; ${Integrity.inWords(settled)}`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000
  )

describe("PostgreSQL behind a network that fails", () => {
  test("refuses in time and heals by itself when everything is swallowed", "blackholed", (door) =>
    door.blackhole()
  )
  test("refuses in time and heals by itself when connections are reset", "reset", (door) => door.reset())
})
