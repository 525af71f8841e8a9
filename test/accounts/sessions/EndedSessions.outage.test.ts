import { assert, layer } from "@effect/vitest"
import { Context, DateTime, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { EndedSessions } from "../../../src/accounts/sessions/EndedSessions.ts"
import { Registration } from "../../../src/accounts/Registration.ts"
import { Sessions } from "../../../src/accounts/sessions/Sessions.ts"
import { AccessTokens } from "../../../src/accounts/tokens/AccessTokens.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { StoreUnavailable } from "../../../src/platform/postgres/StoreUnavailable.ts"
import { UserAccess } from "../../../src/server/middleware/access/UserAccess.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"

/** A node that hears nothing from the others, and whose database can be disconnected. */
const makeNode = Effect.gen(function* () {
  const database = yield* Database
  let isConnected = true
  const disconnectable = Database.of({
    ...database,
    execute: (statements) =>
      Effect.suspend(() =>
        isConnected
          ? database.execute(statements)
          : Effect.fail(new StoreUnavailable({ cause: "disconnected" }))
      )
  })
  const context = yield* UserAccess.layer.pipe(
    Layer.provideMerge(EndedSessions.layerOnDemand),
    Layer.provide(Layer.succeed(Database, disconnectable)),
    Layer.fresh,
    Layer.build
  )
  const { authenticate, checkSession } = Context.get(context, UserAccess)
  return {
    /** Reads the sessions that others ended, as a node does every two seconds. */
    poll: Context.get(context, EndedSessions).refresh,
    setConnected: (connected: boolean) => {
      isConnected = connected
    },
    /** The outcome of a request with an access token. */
    request: (token: Redacted.Redacted) =>
      authenticate(Redacted.value(token)).pipe(
        Effect.flatMap(checkSession),
        Effect.as("accepted"),
        Effect.catch(({ _tag }) => Effect.succeed(_tag))
      )
  }
})

let names = 0
const signIn = Effect.gen(function* () {
  const { create } = yield* Registration
  const user = yield* create(TestAccounts.account(`outage-${names++}`), "user")
  const { execute, sql } = yield* Database
  const sessions = yield* Sessions
  const { session } = yield* execute(sql.withTransaction(sessions.openWithin(user.id, TestAccounts.DEVICE)))
  const { token } = yield* (yield* AccessTokens).issue({
    user,
    session: session.id,
    sessionExpiresAt: session.expiresAt
  })
  return { user, session, token }
})

layer(TestAccounts.layer())("A node that hears of no ended session", (it) => {
  it.effect("rejects every access token 10 seconds after it read the database, until it reads again", () =>
    Effect.gen(function* () {
      const node = yield* makeNode
      const { end } = yield* Sessions
      const [ended, open] = [yield* signIn, yield* signIn]
      yield* node.poll
      node.setConnected(false)
      yield* end(ended.user.id, ended.session.id, "ended")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* node.request(ended.token), "accepted")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* node.request(ended.token), "StoreUnavailable")
      assert.strictEqual(yield* node.request(open.token), "StoreUnavailable")
      node.setConnected(true)
      assert.strictEqual(yield* node.request(ended.token), "SessionEnded")
      assert.strictEqual(yield* node.request(open.token), "accepted")
    }).pipe(Effect.scoped)
  )

  it.effect("rejects every access token until its first read succeeds", () =>
    Effect.gen(function* () {
      const { token } = yield* signIn
      const node = yield* makeNode
      node.setConnected(false)
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(yield* node.request(token), "StoreUnavailable")
    }).pipe(Effect.scoped)
  )

  it.effect("finds a session that was ended after one that ended in the future", () =>
    Effect.gen(function* () {
      const node = yield* makeNode
      const { execute, sql } = yield* Database
      const { end } = yield* Sessions
      const [first, second] = [yield* signIn, yield* signIn]
      // As if the clock of PostgreSQL had been set back.
      yield* execute(sql`
        UPDATE session SET revoked_at = now() + interval '1 day', revoked_for = 'ended' WHERE id = ${first.session.id}`)
      yield* node.poll
      yield* end(second.user.id, second.session.id, "ended")
      yield* node.poll
      for (const { token } of [first, second]) assert.strictEqual(yield* node.request(token), "SessionEnded")
    }).pipe(Effect.scoped)
  )

  it.effect("finds a session that a node ended whose clock is years behind that of PostgreSQL", () =>
    Effect.gen(function* () {
      const node = yield* makeNode
      const { execute, sql } = yield* Database
      const { end } = yield* Sessions
      const { session, token, user } = yield* signIn
      // Another session ended by the clock of PostgreSQL, and was read.
      const other = yield* signIn
      yield* execute(sql`
        UPDATE session SET revoked_at = now(), revoked_for = 'ended' WHERE id = ${other.session.id}`)
      yield* node.poll
      assert.isBelow((yield* DateTime.now).epochMilliseconds, Date.parse("1971-01-01"))
      yield* end(user.id, session.id, "ended")
      yield* node.poll
      assert.strictEqual(yield* node.request(token), "SessionEnded")
    }).pipe(Effect.scoped)
  )
})
