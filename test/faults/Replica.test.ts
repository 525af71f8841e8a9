import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import { connect, envOf } from "../support/NodeEnvironment.ts"
import * as ReplicatedPostgres from "../support/ReplicatedPostgres.ts"

const WALLET = "/api/v1/accounts/wallet"
const PASSWORD = "correct horse battery staple"
const USERS = 8
const DEPOSITS = 30

interface Token {
  readonly access: string
}

/** Sends a request with a JSON body, and returns the decoded JSON response. */
const send = (url: string, method: string, path: string, body?: unknown, { access }: Partial<Token> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: {
        "content-type": "application/json",
        ...(access === undefined ? {} : { authorization: `Bearer ${access}` })
      }
    })
    assert.isTrue(response.ok, `${method} ${path}: ${response.status}`)
    return response.json()
  })

const until = <A, E, R>(effect: Effect.Effect<A, E, R>, isDone: (value: A) => boolean) =>
  effect.pipe(
    Effect.repeat({ until: isDone, schedule: Schedule.spaced("50 millis") }),
    Effect.timeout("30 seconds")
  )

describe("Two nodes with a read replica", () => {
  it.live("show users their own movements on the other node, while the replica lags and is killed", () =>
    Effect.gen(function* () {
      const { primary, replica } = yield* ReplicatedPostgres.start([])
      const keys = { JWT_SIGNING_KEY: Buffer.alloc(32, 1).toString("base64") }
      const env = { ...envOf(primary.url), ...keys, DATABASE_READ_URL: replica.url, PROVIDERS: "sandbox" }
      const [a, b] = [(yield* Effex.serve(env)).url, (yield* Effex.serve(env)).url]
      const standby = yield* connect(replica.url)
      const replicaOf = (url: string) =>
        Effect.map(Effex.get(url, "/health/ready"), ({ body, status }) => {
          assert.strictEqual(status, 200)
          return JSON.parse(body)
        })
      const isServing = (url: string) => until(replicaOf(url), ({ checks }) => checks.replica.status === "ok")
      yield* Effect.all([isServing(a), isServing(b)])

      /** Deposits on one node and reads the statement on the other, in turns. */
      const session = Effect.fnUntraced(function* (number: number) {
        const username = `reader${number}`
        const token: Token = yield* send(a, "POST", "/api/v1/accounts/auth/register", {
          username,
          password: PASSWORD
        })
        for (let count = 1; count <= DEPOSITS; count++) {
          const [writer, reader] = count % 2 === 0 ? [a, b] : [b, a]
          yield* send(writer, "PATCH", `${WALLET}/deposit`, { amount: "1.00", asset: "USD" }, token)
          const path = `/api/v1/transactions?page_size=1`
          const { data } = yield* send(reader, "GET", path, undefined, token)
          assert.strictEqual(data[0].balance, `${count}.00`)
        }
      })
      const disturb = Effect.gen(function* () {
        yield* standby`SELECT pg_wal_replay_pause()`
        const { checks, status } = yield* until(replicaOf(a), ({ status }) => status === "degraded")
        assert.strictEqual(status, "degraded")
        assert.strictEqual(checks.replica.detail, "Reads go to the primary: the replica lags")
        yield* standby`SELECT pg_wal_replay_resume()`
        yield* isServing(a)
        assert.isAbove(yield* replica.kill, 0)
        yield* until(replicaOf(a), ({ checks }) => checks.replica.status === "degraded")
        yield* isServing(a)
      })
      const sessions = Array.from({ length: USERS }, (_, number) => session(number))
      yield* Effect.all([...sessions, disturb], { concurrency: "unbounded", discard: true })

      const metrics = (yield* Effex.get(a, "/metrics")).body
      const reads = (answered: string) =>
        Number(new RegExp(`effex_replica_reads_total\\{answered="${answered}"\\} (\\d+)`).exec(metrics)?.[1])
      assert.isAbove(reads("replica"), 0)
      assert.isAbove(reads("lagging") + reads("unreachable") + reads("failed"), 0)
      assert.match(metrics, /^effex_replica_serving 1$/m)
    }).pipe(Effect.provide(Reactivity.layer))
  )
})
