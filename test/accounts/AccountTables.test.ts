import { assert, layer } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const USER = "01980000-0000-7000-8000-00000000000"
const SESSION = "01980000-0000-7000-9000-00000000000"

/** Runs a statement, and returns the message of its rejection. */
const rejection = Effect.fnUntraced(function* (statement: string) {
  const { sql, tryExecute } = yield* Database
  const exit = yield* Effect.exit(tryExecute(sql.unsafe(statement)))
  return Exit.isFailure(exit) ? JSON.stringify(exit.cause) : undefined
})

const assertAllowed = (statement: string) =>
  Effect.map(rejection(statement), (message) => assert.isUndefined(message, statement))

const assertRejected = (statement: string) =>
  Effect.map(rejection(statement), (message) => assert.isDefined(message, statement))

const addUser = (n: number, name: string, role = "user") =>
  `INSERT INTO app_user (id, username, role, created_at) VALUES ('${USER}${n}', '${name}', '${role}', '2026-01-01')`

const addSession = (n: number, user: number) => `
  INSERT INTO session (id, user_id, created_at, last_used_at, expires_at, second_factor, address, user_agent)
  VALUES ('${SESSION}${n}', '${USER}${user}', '2026-01-02', '2026-01-02', '2026-02-02', false, '', '')`

layer(TestDatabase.layer())("Account tables", (it) => {
  it.effect("accept each name once, in one alphabet", () =>
    Effect.gen(function* () {
      yield* assertAllowed(addUser(1, "alice"))
      yield* assertRejected(addUser(2, "alice"))
      for (const name of ["Alice", "аlice", "ali\u200bce", "al", "-alice", "alice ", "a".repeat(33), "ﬁona1"])
        yield* assertRejected(addUser(2, name))
    })
  )

  it.effect("keep users, their names and at least one administrator", () =>
    Effect.gen(function* () {
      yield* assertAllowed(addUser(3, "root", "admin"))
      yield* assertRejected(`UPDATE app_user SET username = 'other' WHERE id = '${USER}3'`)
      yield* assertRejected(`DELETE FROM app_user WHERE id = '${USER}3'`)
      yield* assertRejected(`UPDATE app_user SET role = 'user' WHERE id = '${USER}3'`)
      yield* assertRejected(`UPDATE app_user SET locked_at = '2026-02-01' WHERE id = '${USER}3'`)
      yield* assertAllowed(addUser(4, "other-root", "admin"))
      yield* assertAllowed(`UPDATE app_user SET role = 'user' WHERE id = '${USER}3'`)
      yield* assertRejected(`UPDATE app_user SET role = 'user' WHERE id = '${USER}4'`)
    })
  )

  it.effect("accept no session of a locked user, and no change of a revoked one", () =>
    Effect.gen(function* () {
      yield* assertAllowed(addUser(5, "mallory"))
      yield* assertAllowed(addSession(1, 5))
      yield* assertAllowed(`UPDATE app_user SET locked_at = '2026-02-01' WHERE id = '${USER}5'`)
      yield* assertRejected(addSession(2, 5))
      yield* assertRejected(`UPDATE session SET revoked_at = '2026-02-01' WHERE id = '${SESSION}1'`)
      yield* assertAllowed(
        `UPDATE session SET revoked_at = '2026-02-01', revoked_for = 'lock' WHERE id = '${SESSION}1'`
      )
      yield* assertRejected(
        `UPDATE session SET revoked_at = NULL, revoked_for = NULL WHERE id = '${SESSION}1'`
      )
    })
  )

  it.effect("keep admin actions immutable", () =>
    Effect.gen(function* () {
      yield* assertAllowed(
        `INSERT INTO admin_action (id, at, principal, action, subject) VALUES ('${USER}1', '2026-01-01', 'cli', 'user.lock', '1')`
      )
      yield* assertRejected("UPDATE admin_action SET subject = '2'")
      yield* assertRejected("DELETE FROM admin_action")
      yield* assertRejected("TRUNCATE admin_action")
    })
  )

  it.effect("block attempts for at most 15 minutes", () =>
    Effect.gen(function* () {
      const block = (minutes: number) => `
        INSERT INTO login_failure (subject, failures, first_at, last_at, blocked_until)
        VALUES (decode('${String(minutes).repeat(32).slice(0, 64)}', 'hex'), 1, '2026-01-01', '2026-01-01',
          timestamptz '2026-01-01' + interval '${minutes} minutes')`
      yield* assertAllowed(block(15))
      yield* assertRejected(block(16))
    })
  )
})
