import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decodeRows, send } from "../../support/ServerRequests.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const PASSWORD = "a long enough passphrase"
const UNKNOWN = "01980000-0000-7000-8000-000000000001"

describe("effex orders", () => {
  it.live("lists and shows orders of users, and cancels one that waits in a pool", () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: yield* TestDatabase.create, LOG_LEVEL: "warn" }
      const orders = (...args: ReadonlyArray<string>) => EffexCommand.exec(["orders", ...args], env)
      for (const name of ["amara", "ben"])
        assert.strictEqual((yield* EffexCommand.exec(["users", "create", name], env, PASSWORD)).code, 0)
      assert.match((yield* orders("list")).output, /There are no such orders/)
      const { url } = yield* EffexCommand.serve({
        ...env,
        LOG_LEVEL: "info",
        AGGREGATION_MAX_WAIT: "1 hour"
      })
      const placeAs = Effect.fnUntraced(function* (username: string) {
        const { access } = yield* send(url, "POST", "/accounts/auth/login", "", {
          username,
          password: PASSWORD
        })
        yield* send(url, "PATCH", "/accounts/wallet/deposit", access, { amount: "100" })
        const order = yield* send(url, "POST", "/orders", access, {
          asset: "ABAN",
          side: "buy",
          notional: "2"
        })
        assert.strictEqual(order["state"], "aggregated", JSON.stringify(order))
        return { access, id: String(order["id"]) }
      })
      const [first, second] = [yield* placeAs("amara"), yield* placeAs("ben")]

      const idsOf = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
        return decodeRows((yield* orders("list", "--json", ...args)).stdout).map(({ id }) => id)
      })
      assert.deepStrictEqual(yield* idsOf(), [second.id, first.id])
      assert.deepStrictEqual(yield* idsOf("--limit", "1"), [second.id])
      assert.deepStrictEqual(yield* idsOf("--user", "Amara", "--state", "aggregated", "--asset", "ABAN"), [
        first.id
      ])
      assert.deepStrictEqual(yield* idsOf("--state", "completed"), [])
      assert.include((yield* orders("list", "--user", "nobody")).output, "nobody")

      const cancelled = yield* orders("cancel", first.id, "--reason", "Asked for by phone", "--json")
      assert.deepInclude(cancelled.json, { state: "cancelled", reason: "administrator", username: "amara" })
      assert.deepInclude(yield* send(url, "GET", `/orders/${first.id}`, first.access), {
        state: "cancelled",
        reason: "administrator"
      })
      assert.deepInclude(yield* send(url, "GET", "/accounts/wallet", first.access), { balance: "100.00" })
      const shown = yield* orders("show", first.id)
      for (const text of ["amara", "aggregated", "cancelled", "administrator"])
        assert.include(shown.output, text)
      const again = yield* orders("cancel", first.id, "--reason", "Again")
      assert.deepStrictEqual(
        [again.code, again.output.includes("The order is cancelled; only an order that is aggregated")],
        [1, true]
      )
      assert.strictEqual((yield* orders("show", UNKNOWN)).code, 1)
      assert.strictEqual((yield* orders("cancel", UNKNOWN, "--reason", "x")).code, 1)
      assert.notStrictEqual((yield* orders("cancel", second.id)).code, 0)
      assert.deepStrictEqual(yield* idsOf("--state", "aggregated"), [second.id])
    }).pipe(Effect.scoped)
  )
})
