import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as ConnectionFailure from "../../../src/platform/postgres/ConnectionFailure.ts"

const errorOf = (code: string, message: string) => ({
  _tag: "SqlError",
  message: "Failed to connect",
  cause: { message: "Failed to connect", cause: Object.assign(new Error(message), { code }) }
})

describe("ConnectionFailure", () => {
  const cases: ReadonlyArray<readonly [code: string, message: string, text: string, isTransient: boolean]> = [
    ["ECONNREFUSED", "connect ECONNREFUSED", "nothing listens there; start PostgreSQL, or correct", true],
    [
      "ENOTFOUND",
      "getaddrinfo ENOTFOUND",
      "the host name is unknown; correct the host in DATABASE_URL",
      true
    ],
    ["28P01", 'password for "u"', 'the password is wrong (password for "u"); correct the user', false],
    ["28000", 'role "x" does not exist', 'the user may not connect (role "x" does not exist)', false],
    ["3D000", 'database "x" does not exist', "the database does not exist (database", false],
    ["57P03", "the system is starting up", "it is starting (the system is starting up); wait", true],
    ["53100", "could not extend file", "its disk is full (could not extend file)", true],
    [
      "",
      "The server does not support TLS",
      "TLS failed (The server does not support TLS); correct sslmode",
      false
    ],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate", "TLS failed (self-signed certificate)", false],
    ["", "Connection timed out", "Connection timed out; check DATABASE_URL", true]
  ]
  it.each(cases)("explains %s %s", (code, message, text, isTransient) => {
    const failure = ConnectionFailure.explain(errorOf(code, message), "db.internal:6543/rates")
    assert.include(failure.message, `PostgreSQL at db.internal:6543/rates: ${text}`)
    assert.strictEqual(failure.isTransient, isTransient)
  })

  it("names the target without user and password", () => {
    const target = (url: string) => ConnectionFailure.targetOf({ url: Redacted.make(url) })
    assert.strictEqual(target("postgres://user:secret@db.internal:6543/rates"), "db.internal:6543/rates")
    assert.strictEqual(target("postgres://user:secret@db.internal/rates"), "db.internal:5432/rates")
    assert.strictEqual(target("postgres:///rates?user=u&host=%2Frun%2Fpg"), "/run/pg:5432/rates")
    assert.strictEqual(ConnectionFailure.targetOf({ path: "/run/pg/.s.PGSQL.5432" }), "/run/pg/.s.PGSQL.5432")
  })
})
