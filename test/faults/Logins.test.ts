import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Observation from "../support/Observation.ts"
import * as Workload from "../support/Workload.ts"

const USERS = 20
/** Concurrent sign-ins. */
const LOGINS = 100
const IDLE_SECONDS = 5
/** Longer than the interval at which a server measures its event loop. */
const LOGIN_SECONDS = 22
const PASSWORD = "a long enough passphrase"

const MAX_GROWTH_MIB = 100
const MAX_DELAY_MILLIS = 50
/** Factor by which the hashes may stretch the delay that other programs cause on this machine. */
const MAX_DELAY_STRETCH = 4

/** Each user has an address of its own, so that sign-in is not limited. */
const ENV = { TRUSTED_PROXIES: "127.0.0.0/8" }

const serve = Effect.gen(function* () {
  const { env } = yield* NodeEnvironment.make()
  const server = yield* Effex.serve({ ...env, ...ENV })
  yield* Observation.observe(server, 1)
  return server
})

/** Registers or signs in a user. Returns the status. */
const authenticate = (url: string, path: "login" | "register", user: number) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/api/v1/accounts/auth/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-for": `10.0.0.${user + 1}` },
      body: JSON.stringify({ username: `user-${user}`, password: PASSWORD })
    })
    await response.text()
    return response.status
  })

/** Signs in {@link LOGINS} times at once, again and again. Returns the number of sign-ins. */
const signInRepeatedly = Effect.fnUntraced(function* (url: string, seconds: number) {
  const end = performance.now() + seconds * 1000
  let count = 0
  while (performance.now() < end) {
    const statuses = yield* Effect.forEach(
      Array.from({ length: LOGINS }, (_, i) => i % USERS),
      (user) => authenticate(url, "login", user),
      { concurrency: "unbounded" }
    )
    assert.deepStrictEqual(Array.from(new Set(statuses)), [200])
    count += LOGINS
  }
  return count
})

/** Longest delay of the event loop in the last 10 seconds, in milliseconds. */
const longestDelay = ({ url }: Observation.Server) =>
  Effect.map(Effex.get(url, "/metrics"), ({ body }) => {
    const [, seconds] = /^nodejs_eventloop_delay_seconds\{statistic="max"\} (\S+)$/m.exec(body) ?? []
    return Math.ceil(Number(seconds ?? assert.fail("The metric is missing")) * 1000)
  })

/** Longest delay of the event loop while the sign-ins run, in milliseconds. */
const longestDelayDuring = (server: Observation.Server, seconds: number) => {
  let longest = 0
  return longestDelay(server).pipe(
    Effect.tap((millis) => Effect.sync(() => (longest = Math.max(longest, millis)))),
    Effect.repeat(Schedule.upTo(Schedule.spaced("1 second"), { times: seconds - 1 })),
    Effect.map(() => longest)
  )
}

describe("100 users who sign in at once", () => {
  it.live("do not block the event loop, slow down others or exhaust memory", () =>
    Effect.gen(function* () {
      const server = yield* serve
      // Is observed at the same time, because other programs may slow down this machine.
      const control = yield* serve
      for (let user = 0; user < USERS; user++)
        assert.strictEqual(yield* authenticate(server.url, "register", user), 201)
      // Memory and code that the first sign-ins need do not count as growth.
      yield* signInRepeatedly(server.url, 1)
      const idle = yield* Observation.observe(server, IDLE_SECONDS)
      const measured = yield* Effect.all(
        {
          logins: signInRepeatedly(server.url, LOGIN_SECONDS),
          busy: Observation.observe(server, LOGIN_SECONDS),
          unaffected: Observation.observe(control, LOGIN_SECONDS),
          delay: longestDelayDuring(server, LOGIN_SECONDS),
          controlDelay: longestDelayDuring(control, LOGIN_SECONDS)
        },
        { concurrency: "unbounded" }
      )
      const { busy, controlDelay, delay, logins, unaffected } = measured
      yield* Workload.report(
        [
          `${logins} sign-ins, ${LOGINS} at a time, ${Math.round(logins / LOGIN_SECONDS)} per second`,
          `meanwhile ${Observation.describeLatency(busy)}`,
          `of another server at that time ${Observation.describeLatency(unaffected)}`,
          `before ${Observation.describeLatency(idle)}`,
          `event loop blocked for at most ${delay} ms, of the other server ${controlDelay} ms`,
          `memory ${idle.maxMemory} MiB, then at most ${busy.maxMemory} MiB`
        ].join("; ")
      )
      assert.isAtLeast(logins, LOGINS)
      assert.isAtMost(busy.maxMemory, idle.maxMemory + MAX_GROWTH_MIB)
      // The delay includes the time that the event loop waits for a CPU, also for that of the hashes.
      assert.isAtMost(delay, MAX_DELAY_MILLIS + MAX_DELAY_STRETCH * controlDelay)
      // A request may wait for a CPU while a hash is computed, which takes longer while other programs run.
      const hashMillis = (LOGIN_SECONDS * 1000) / logins
      Observation.assertLatency(busy, [idle, unaffected], { p50: hashMillis, p99: 4 * hashMillis })
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
