import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { generateSync } from "otplib"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"

const PASSWORD = "a long enough passphrase"

const start = Effect.gen(function* () {
  const { env } = yield* Effex.makeSandbox({ LOG_LEVEL: "error", POLL_SPACING: "0 millis" })
  const users = (args: ReadonlyArray<string>, input = "") => EffexCommand.exec(["users", ...args], env, input)
  return { env, users }
})

const decodeList = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))
)

const decodeCodes = Schema.decodeUnknownSync(Schema.Array(Schema.String))

const post = (url: string, content: object, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(content)
    })
    const body: Readonly<Record<string, unknown>> = JSON.parse(await response.text())
    return { status: response.status, body }
  })

const signIn = (url: string, username: string, password: string, code?: string) =>
  post(`${url}/api/v1/accounts/auth/login`, { username, password, code })

describe("effex users", () => {
  it.live("creates an administrator who signs in, and locks, unlocks, demotes and resets users", () =>
    Effect.gen(function* () {
      const { env, users } = yield* start
      const created = yield* users(["create", "Ada", "--admin", "--json"], `${PASSWORD}\n`)
      assert.strictEqual(created.code, 0, created.output)
      assert.deepInclude(created.json, { username: "ada", role: "admin", email: null, locked_at: null })
      assert.notInclude(created.output, PASSWORD)
      const amara = yield* users(["create", "amara", "--email", "amara@example.org"], PASSWORD)
      assert.match(amara.output, /^role +user$/m)

      const { stop, url } = yield* EffexCommand.serve({ ...env, LOG_LEVEL: "info" })
      const first = yield* signIn(url, "ada", PASSWORD)
      assert.strictEqual(first.status, 200)
      assert.deepInclude(first.body["user"], { username: "ada", role: "admin" })

      const locked = yield* users(["lock", "AMARA", "--reason", "stolen laptop", "--json"])
      assert.isString(locked.json["locked_at"], locked.output)
      assert.strictEqual((yield* signIn(url, "amara", PASSWORD)).body["code"], "account-locked")
      const unlocked = yield* users(["unlock", "amara", "--reason", "laptop found", "--json"])
      assert.deepInclude(unlocked.json, { locked_at: null })
      assert.strictEqual((yield* signIn(url, "amara", PASSWORD)).status, 200)

      const reset = yield* users(
        ["reset-password", "amara", "--reason", "forgotten"],
        "another passphrase 2\r\n"
      )
      assert.strictEqual(reset.code, 0, reset.output)
      assert.strictEqual((yield* signIn(url, "amara", PASSWORD)).status, 401)
      assert.strictEqual((yield* signIn(url, "amara", "another passphrase 2")).status, 200)

      const last = yield* users(["grant", "ada", "user", "--reason", "holiday"])
      assert.strictEqual(last.code, 1)
      assert.include(last.output, "The last administrator cannot be locked or lose the role")
      const granted = yield* users(["grant", "amara", "admin", "--reason", "deputy", "--json"])
      assert.deepInclude(granted.json, { role: "admin" })
      const demoted = yield* users(["grant", "ada", "user", "--reason", "holiday", "--json"])
      assert.deepInclude(demoted.json, { role: "user" })
      yield* stop

      const listed = decodeList((yield* users(["list", "--json"])).output)
      assert.deepStrictEqual(
        listed.map(({ role, username }) => [username, role]),
        [
          ["ada", "user"],
          ["amara", "admin"]
        ]
      )
      assert.match(
        (yield* users(["list", "AM"])).output,
        /^id +username.*\n\S+ +amara +amara@example.org +admin/
      )
      assert.include((yield* users(["list", "zz"])).output, "There are no such users")
    }).pipe(Effect.scoped)
  )

  it.live("removes a second factor, so that the password alone signs in", () =>
    Effect.gen(function* () {
      const { env, users } = yield* start
      yield* users(["create", "amara"], PASSWORD)
      const { url } = yield* EffexCommand.serve({ ...env, LOG_LEVEL: "info" })
      const mfa = (path: string, body: object, access: unknown) =>
        post(`${url}/api/v1/accounts/auth/mfa/${path}`, body, { authorization: `Bearer ${String(access)}` })
      const enable = Effect.fnUntraced(function* (access: unknown) {
        const { body } = yield* mfa("enroll", { password: PASSWORD }, access)
        const secret = String(body["secret"])
        const confirmed = yield* mfa("confirm", { code: generateSync({ secret }) }, access)
        assert.strictEqual(confirmed.status, 200)
        const [code] = decodeCodes(confirmed.body["recovery_codes"])
        return { secret, code }
      })
      const lost = yield* enable((yield* signIn(url, "amara", PASSWORD)).body["access"])
      assert.strictEqual((yield* signIn(url, "amara", PASSWORD)).body["code"], "mfa-required")

      const reset = yield* users(["reset-mfa", "Amara", "--reason", "lost phone and codes", "--json"])
      assert.deepInclude(reset.json, { username: "amara" }, reset.output)
      const signedIn = yield* signIn(url, "amara", PASSWORD)
      assert.strictEqual(signedIn.status, 200)

      const renewed = yield* enable(signedIn.body["access"])
      for (const code of [generateSync({ secret: lost.secret }), lost.code])
        assert.strictEqual((yield* signIn(url, "amara", PASSWORD, code)).body["code"], "invalid-credentials")
      assert.strictEqual((yield* signIn(url, "amara", PASSWORD, renewed.code)).status, 200)
    }).pipe(Effect.scoped)
  )

  it.live("rejects what is not allowed with exit code 1, and reads no password from arguments", () =>
    Effect.gen(function* () {
      const { users } = yield* start
      yield* users(["create", "amara"], PASSWORD)
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, input: string, message: string]> = [
        [["create", "amara"], PASSWORD, "The username amara is taken"],
        [["create", "Аda"], PASSWORD, "The username is invalid"],
        [["create", "ada"], "short", "shorter than 10 characters"],
        [["create", "ada"], "x".repeat(2000), "longer than 1000 bytes"],
        [["create", "ada"], "", "Send the password on standard input, or run the command on a terminal"],
        [["create", "ada", PASSWORD], PASSWORD, "Unexpected positional argument"],
        [["create", "ada", "--password", PASSWORD], PASSWORD, "Unknown flag --password"],
        [["lock", "amara"], "", "--reason"],
        [["lock", "amara", "--reason", " "], "", "expected 1 to 1000 characters"],
        [["lock", "nobody", "--reason", "x"], "", 'No user has the id or name "nobody"'],
        [["grant", "amara", "root", "--reason", "x"], "", "admin"],
        [["reset-password", "amara", "--reason", "x"], "password123", "most common passwords"]
      ]
      for (const [args, input, message] of cases) {
        const { code, output } = yield* users(args, input)
        assert.strictEqual(code, 1, `${args.join(" ")}: ${output}`)
        assert.include(output, message, args.join(" "))
      }
    }).pipe(Effect.scoped)
  )
})
