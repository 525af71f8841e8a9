import { assert, layer } from "@effect/vitest"
import { Effect, type Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { ApiKeyRepo } from "../../../../src/access/ApiKeyRepo.ts"
import { ApiKeys } from "../../../../src/access/ApiKeys.ts"
import { Registration } from "../../../../src/accounts/Registration.ts"
import { Database } from "../../../../src/platform/postgres/Database.ts"
import { StreamAccess } from "../../../../src/server/middleware/access/StreamAccess.ts"
import * as Callers from "../../../support/Callers.ts"
import * as TestAccounts from "../../../support/TestAccounts.ts"
import { eventuallyFrom } from "../../../support/Waiters.ts"

let users = 0
const register = Effect.gen(function* () {
  const { register } = yield* Registration
  const { session, user } = yield* register(TestAccounts.account(`user-${users++}`), TestAccounts.DEVICE)
  return {
    userId: user.id,
    username: user.username,
    role: user.role,
    sessionId: session.id,
    principal: "test",
    owner: "test"
  }
})

/** Advances the clock until the fiber has ended. */
const untilEnd = (fiber: Fiber.Fiber<void>) =>
  eventuallyFrom(
    "end of the access",
    Effect.map(TestClock.adjust("1 minute"), () => (fiber.pollUnsafe() === undefined ? undefined : true))
  )

layer(
  StreamAccess.layer.pipe(
    Layer.provideMerge(ApiKeys.layer.pipe(Layer.provide(ApiKeyRepo.layer))),
    Layer.provideMerge(TestAccounts.layer({ REFRESH_TOKEN_TTL: "1 hour" }))
  )
)("Access to a stream", (it) => {
  it.effect("ends with an expired session, and not before", () =>
    Effect.gen(function* () {
      const { awaitEnd } = yield* StreamAccess
      const user = yield* register
      const { execute, sql } = yield* Database
      const fiber = yield* Effect.forkScoped(awaitEnd(user, undefined))
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust("1 minute")
        yield* execute(sql`SELECT 1`)
      }
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 hour")
      yield* untilEnd(fiber)
    })
  )

  it.effect("ends when the API key is revoked or the user is locked", () =>
    Effect.gen(function* () {
      const { awaitEnd } = yield* StreamAccess
      const keys = yield* ApiKeys
      const { execute, sql } = yield* Database
      const [first, second] = [yield* register, yield* register]
      const { authorization, id } = yield* Callers.withScopes("wallets")
      const other = yield* Callers.withScopes("wallets")
      const ofRevoked = yield* Effect.forkScoped(awaitEnd({ ...first, sessionId: undefined }, authorization))
      const ofLocked = yield* Effect.forkScoped(
        awaitEnd({ ...second, sessionId: undefined }, other.authorization)
      )
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust("5 seconds")
        yield* execute(sql`SELECT 1`)
      }
      assert.isUndefined(ofRevoked.pollUnsafe())
      assert.isUndefined(ofLocked.pollUnsafe())
      yield* keys.revoke(id)
      yield* untilEnd(ofRevoked)
      assert.isUndefined(ofLocked.pollUnsafe())
      yield* execute(sql`UPDATE app_user SET locked_at = created_at WHERE id = ${second.userId}`)
      yield* untilEnd(ofLocked)
    })
  )
})
