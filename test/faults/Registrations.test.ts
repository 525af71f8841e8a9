import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Workload from "../support/Workload.ts"

const KILLS = 5
const CLIENTS = 8
/** Registrations that succeed before a kill. */
const REGISTRATIONS_PER_KILL = 15

/** Registers a user from an address of its own. Returns the status; undefined if there is no response. */
const register = (url: string, username: string, address: string) =>
  Effect.promise(async () => {
    try {
      const response = await fetch(`${url}/api/v1/accounts/auth/register`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-forwarded-for": address },
        body: JSON.stringify({ username, password: "a long enough passphrase" })
      })
      await response.text()
      return response.status
    } catch {
      return undefined
    }
  })

describe("A server that is killed during registrations", () => {
  it.live("leaves no user without a wallet, and loses no registered user", () =>
    Effect.gen(function* () {
      const { env, sql } = yield* NodeEnvironment.make({ TRUSTED_PROXIES: "127.0.0.0/8" })
      const registered = new Set<string>()
      const unanswered = new Set<string>()

      const killOnce = Effect.fnUntraced(function* (kill: number) {
        const { process, url } = yield* Effex.serve(env)
        const enough = registered.size + REGISTRATIONS_PER_KILL
        const client = Effect.fnUntraced(function* (index: number) {
          for (let n = 0; process.exitCode === null && process.signalCode === null; n++) {
            const username = `user-${kill}-${index}-${n}`
            const status = yield* register(url, username, `10.${kill}.${index}.${n}`)
            if (status === undefined) return void unanswered.add(username)
            assert.strictEqual(status, 201)
            registered.add(username)
            if (registered.size === enough) process.kill("SIGKILL")
          }
        })
        yield* Effect.forEach(
          Array.from({ length: CLIENTS }, (_, i) => i),
          client,
          {
            concurrency: "unbounded"
          }
        )
      }, Effect.scoped)
      for (let kill = 0; kill < KILLS; kill++) yield* killOnce(kill)

      const users = yield* sql<{ username: string; wallets: number; sessions: number; credentials: number }>`
        SELECT username,
          (SELECT count(*)::int FROM wallet WHERE user_id = app_user.id) AS wallets,
          (SELECT count(*)::int FROM session WHERE user_id = app_user.id) AS sessions,
          (SELECT count(*)::int FROM credential WHERE user_id = app_user.id) AS credentials
        FROM app_user`
      for (const { username, ...counts } of users)
        assert.deepStrictEqual(counts, { wallets: 1, sessions: 1, credentials: 1 }, username)
      const stored = new Set(users.map(({ username }) => username))
      assert.includeMembers(Array.from(stored), Array.from(registered))
      assert.includeMembers([...registered, ...unanswered], Array.from(stored))

      // A client that got no response registers again, or signs in if the name is taken.
      const { url } = yield* Effex.serve(env)
      for (const [i, username] of Array.from(unanswered).entries()) {
        const expected = stored.has(username) ? 409 : 201
        assert.strictEqual(yield* register(url, username, `10.99.0.${i}`), expected)
      }
      const committed = stored.size - registered.size
      yield* Workload.report(
        `${KILLS} kills: ${registered.size} users registered, ${unanswered.size} registrations without a response, of which ${committed} were committed; every user has one wallet`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
