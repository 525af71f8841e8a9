import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer, Stream } from "effect"
import { inspect } from "node:util"
import { EffexClient } from "../../src/client/EffexClient.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

describe("EffexClient calls of users and administrators", () => {
  it.live("are streams for lists, and effects for everything else", () =>
    Effect.gen(function* () {
      const { accounts, admin, funding, orders, ...effex } = yield* EffexClient
      const lists: ReadonlyArray<Stream.Stream<unknown, unknown>> = [
        effex.transactions(),
        accounts.securityEvents(),
        funding.list(),
        orders.list(),
        admin.users.list(),
        admin.actions(),
        admin.funding.list(),
        admin.reviews.list(),
        admin.batches.list(),
        admin.quarantine.list(),
        admin.poller.changes(),
        admin.assets.changes("BTC"),
        admin.risk.decisions(),
        admin.ledger.accounts(),
        admin.ledger.entries("1"),
        admin.ledger.adjustments()
      ]
      for (const list of lists) assert.isTrue(Stream.isStream(list))
      const calls: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        effex.wallet(),
        accounts.sessions(),
        admin.ledger.account("1"),
        admin.ledger.verify()
      ]
      for (const call of calls) assert.isTrue(Effect.isEffect(call))
    }).pipe(Effect.provide(Layer.fresh(EffexClient.layerHttp({ url: "http://127.0.0.1:1" }))))
  )

  it.live("stop their request when they are interrupted", () =>
    Effect.gen(function* () {
      const [received, closed] = [yield* Latch.make(), yield* Latch.make()]
      const { url } = yield* ScriptedServer.listen((response) => {
        response.on("close", () => closed.openUnsafe())
        received.openUnsafe()
      })
      const board = Effect.flatMap(EffexClient, (effex) => effex.board())
      const call = yield* Effect.forkChild(Effect.provide(board, Layer.fresh(EffexClient.layerHttp({ url }))))
      yield* received.await
      yield* Fiber.interrupt(call)
      yield* closed.await
    }).pipe(Effect.scoped)
  )

  it.live("keep the token of a second factor out of logs", () =>
    Effect.gen(function* () {
      const members = { code: "mfa-required", detail: "A code is required", retryable: false }
      const { url } = yield* ScriptedServer.listen(
        ScriptedServer.json(401, { ...members, mfa_token: "secret-token" })
      )
      const login = Effect.flatMap(EffexClient, ({ accounts }) =>
        Effect.flip(accounts.login({ username: "amara", password: "a long enough passphrase" }))
      )
      const error = yield* Effect.provide(login, Layer.fresh(EffexClient.layerHttp({ url })))
      assert.isTrue(error._tag === "MfaRequired" && error.mfa_token === "secret-token")
      assert.notInclude(`${inspect(error)}${JSON.stringify(error)}${String(error)}`, "secret-token")
    }).pipe(Effect.scoped)
  )
})
