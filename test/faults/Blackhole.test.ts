import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import type { TcpProxy } from "../support/TcpProxy.ts"
import * as Workload from "../support/Workload.ts"

const CONCURRENT_CONVERSIONS = 20
const AMOUNT = 500
/** Longest time that a caller waits for an unavailable store. */
const MAX_RESPONSE_MILLIS = 5000
const RECOVERY_TIMEOUT = "1 minute"

const convertAll = (url: string, workload: Workload.Workload, name: string) =>
  Effect.forEach(
    Array.from({ length: CONCURRENT_CONVERSIONS }, (_, i) => `${name} ${i + 1}`),
    (key) => Effect.map(workload.convert(url, key, AMOUNT), Option.getOrThrow),
    { concurrency: "unbounded" }
  )

/** Asserts that every conversion fails in time with `store-unavailable`, without a number or an audit id. */
const assertRefused = Effect.fnUntraced(function* (url: string, workload: Workload.Workload, name: string) {
  const [elapsed, responses] = yield* Effect.timed(convertAll(url, workload, name))
  for (const { body, contentType, status } of responses) {
    assert.strictEqual(status, 503, body)
    assert.strictEqual(contentType, "application/problem+json")
    const problem: Readonly<Record<string, unknown>> = JSON.parse(body)
    assert.strictEqual(problem["code"], "store-unavailable")
    for (const name of ["audit_id", "output_amount", "mid_rate", "rate"]) assert.notProperty(problem, name)
  }
  assert.isBelow(Duration.toMillis(elapsed), MAX_RESPONSE_MILLIS)
  const rate = yield* Effex.get(url, "/api/v1/rates?from=USD&to=NGN")
  assert.strictEqual(rate.status, 200, rate.body)
  assert.strictEqual(rate.headers.get("x-rate-source"), "memory")
  return Math.round(Duration.toMillis(elapsed))
})

/** Waits until a conversion succeeds without a restart. Returns the time this took, in milliseconds. */
const awaitRecovery = (url: string, workload: Workload.Workload, key: string) =>
  workload.convert(url, key, AMOUNT).pipe(
    Effect.repeat({ until: Option.exists(({ status }) => status === 200) }),
    Effect.timeout(RECOVERY_TIMEOUT),
    Effect.timed,
    Effect.map(([elapsed]) => Math.round(Duration.toMillis(elapsed)))
  )

const PASSWORD = "a long enough passphrase"

const post = (url: string, path: string, body: object) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/api/v1/accounts/auth/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body)
    })
    return { status: response.status, text: await response.text() }
  })

const read = (url: string, path: string, access: string) =>
  Effect.promise(async () => {
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${access}` } })
    await response.text()
    return response.status
  })

const decodeTokens = Schema.decodeUnknownEffect(
  Schema.fromJsonString(Schema.Struct({ access: Schema.String, refresh: Schema.String }))
)

const signIn = Effect.fnUntraced(function* (url: string, path: "login" | "register") {
  const { status, text } = yield* post(url, path, { username: "amara", password: PASSWORD })
  assert.strictEqual(status, path === "login" ? 200 : 201, text)
  return yield* decodeTokens(text)
})

/** Registers a user who has a session, and signed out of another one. */
const makeUser = Effect.fnUntraced(function* (url: string) {
  const open = yield* signIn(url, "register")
  const ended = yield* signIn(url, "login")
  assert.strictEqual((yield* post(url, "logout", { refresh: ended.refresh })).status, 204)
  return { open, ended }
})

/**
 * Asserts that a user who is signed in keeps reading rates, that a session which has ended stays without access, and that
 * everything which needs the store answers 503 in time.
 */
const assertAccounts = Effect.fnUntraced(function* (
  url: string,
  { ended, open }: Effect.Success<ReturnType<typeof makeUser>>
) {
  const rates = "/api/v1/rates?from=USD&to=NGN"
  assert.strictEqual(yield* read(url, rates, open.access), 200)
  assert.strictEqual(yield* read(url, rates, ended.access), 401)
  assert.strictEqual(yield* read(url, "/api/v1/accounts/me", ended.access), 401)
  const wrong = { username: "amara", password: "another passphrase" }
  const [elapsed, statuses] = yield* Effect.timed(
    Effect.all(
      [
        read(url, "/api/v1/accounts/me", open.access),
        ...[
          post(url, "login", { username: "amara", password: PASSWORD }),
          post(url, "login", wrong),
          post(url, "register", { username: "another", password: PASSWORD }),
          post(url, "refresh", { refresh: open.refresh }),
          post(url, "refresh", { refresh: ended.refresh })
        ].map(Effect.map(({ status }) => status))
      ],
      { concurrency: "unbounded" }
    )
  )
  assert.deepStrictEqual(statuses, [503, 503, 503, 503, 503, 503])
  assert.isBelow(Duration.toMillis(elapsed), MAX_RESPONSE_MILLIS)
})

const testFault = (name: string, fault: string, inject: (proxy: TcpProxy) => void) =>
  it.live(
    name,
    () =>
      Effect.gen(function* () {
        const { proxy, sql, proxiedEnv } = yield* NodeEnvironment.behindProxy()
        const server = yield* Effex.serve(proxiedEnv)
        yield* server.written(/44 refreshed/).pipe(Effect.timeout("30 seconds"))
        const workload = Workload.make(fault)
        for (const { body, status } of yield* convertAll(server.url, workload, "warm"))
          assert.strictEqual(status, 200, body)
        const user = yield* makeUser(server.url)
        const refusalMillis: Array<number> = []
        const recoveryMillis: Array<number> = []
        // Twice, because the first recovery could leave the pool short of connections.
        for (const round of ["first", "second"]) {
          const inFlight = yield* Effect.forkChild(convertAll(server.url, workload, `${round}, in flight`))
          yield* Effect.sleep("3 millis")
          inject(proxy)
          refusalMillis.push(yield* assertRefused(server.url, workload, `${round}, idle`))
          for (const { body, status } of yield* Effect.timeout(Fiber.join(inFlight), "5 seconds"))
            assert.include([200, 503], status, body)
          // All pooled connections are broken now.
          refusalMillis.push(yield* assertRefused(server.url, workload, `${round}, idle`))
          yield* assertAccounts(server.url, user)
          proxy.heal()
          recoveryMillis.push(yield* awaitRecovery(server.url, workload, `${round}, recovered`))
          yield* signIn(server.url, "login")
        }
        const settled = yield* Integrity.check({ workload, url: server.url, sql })
        assert.isNull(server.process.exitCode)
        yield* Workload.report(
          `PostgreSQL ${fault} twice: ${CONCURRENT_CONVERSIONS} concurrent conversions refused within ${refusalMillis.join(", ")} ms, recovered after ${recoveryMillis.join(", ")} ms; ${Integrity.format(settled)}`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000
  )

describe("A server whose network to PostgreSQL fails", () => {
  testFault(
    "fails conversions and sign-in in time, and recovers without a restart, after a blackhole",
    "blackholed",
    (proxy) => proxy.blackhole()
  )
  testFault(
    "fails conversions and sign-in in time, and recovers without a restart, after a reset",
    "reset",
    (proxy) => proxy.reset()
  )
})
