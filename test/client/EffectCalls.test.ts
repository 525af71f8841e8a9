import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
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
      let isClosed = false
      const { url } = yield* ScriptedServer.listen((response) =>
        response.on("close", () => {
          isClosed = true
        })
      )
      const board = Effect.flatMap(EffexClient, (effex) => Effect.timeoutOption(effex.board(), "50 millis"))
      const found = yield* Effect.provide(board, Layer.fresh(EffexClient.layerHttp({ url })))
      assert.isTrue(Option.isNone(found))
      yield* Effect.repeat(Effect.sleep("2 millis"), { until: () => isClosed })
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
