import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decodeRows, send } from "../../support/ServerRequests.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const PASSWORD = "a long enough passphrase"

describe("effex batches", () => {
  it.live("lists and shows the batch of an order of the sandbox, which is settled once", () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: yield* TestDatabase.create, LOG_LEVEL: "warn" }
      const batches = (...args: ReadonlyArray<string>) => EffexCommand.exec(["batches", ...args], env)
      const created = yield* EffexCommand.exec(["users", "create", "amara"], env, PASSWORD)
      assert.strictEqual(created.code, 0, created.output)
      assert.match((yield* batches("list")).output, /There are no such batches/)
      const { url } = yield* EffexCommand.serve({ ...env, LOG_LEVEL: "info" })
      const login = { username: "amara", password: PASSWORD }
      const { access } = yield* send(url, "POST", "/accounts/auth/login", "", login)
      yield* send(url, "PATCH", "/accounts/wallet/deposit", access, { amount: "100" })
      const order = yield* send(url, "POST", "/orders", access, { crypto: "ABAN", amount: "3" })
      assert.deepInclude(order, { asset: "ABAN", state: "pending" })
      const path = `/orders/${String(order["id"])}`
      while ((yield* send(url, "GET", path, access))["state"] !== "completed")
        yield* Effect.sleep("50 millis")

      const [batch = {}] = decodeRows((yield* batches("list", "--state", "allocated", "--json")).stdout)
      assert.deepInclude(batch, { asset: "ABAN", side: "buy", orders: 1, amount: "3", filled: "3" })
      const id = String(batch["id"])
      const shown = yield* batches("show", id)
      for (const state of ["reserved", "sent", "filled", "allocated"]) assert.include(shown.output, state)
      const retried = yield* batches("retry", id, "--reason", "Try")
      assert.strictEqual(retried.code, 1)
      assert.include(retried.output, "nothing is left to retry")
      const unknown = yield* batches("show", "01980000-0000-7000-8000-000000000001")
      assert.strictEqual(unknown.code, 1)
      assert.include(unknown.output, "There is no batch with this id")
      assert.match((yield* batches("list", "--dead")).output, /There are no such batches/)
    }).pipe(Effect.scoped)
  )
})
