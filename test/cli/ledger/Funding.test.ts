import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"

const PASSWORD = "a long enough passphrase"

type Body = Readonly<Record<string, unknown>>

const decodeRows = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))
)

const send = (url: string, method: string, path: string, access: unknown, body?: Body) =>
  Effect.promise(async (): Promise<Body> => {
    const response = await fetch(`${url}/api/v1/accounts${path}`, {
      method,
      headers: { "content-type": "application/json", authorization: `Bearer ${String(access)}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return JSON.parse(await response.text())
  })

/** A server with a user who is signed in. */
const start = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const sandbox = yield* Effex.makeSandbox({ LOG_LEVEL: "warn", POLL_INTERVAL: "off", ...env })
  const created = yield* EffexCommand.exec(["users", "create", "amara"], sandbox.env, PASSWORD)
  assert.strictEqual(created.code, 0, created.output)
  const server = yield* EffexCommand.serve({ ...sandbox.env, LOG_LEVEL: "info" })
  const { access } = yield* send(server.url, "POST", "/auth/login", "", {
    username: "amara",
    password: PASSWORD
  })
  return {
    server,
    funding: (...args: ReadonlyArray<string>) => EffexCommand.exec(["funding", ...args], sandbox.env),
    deposit: (body: Body) => send(server.url, "PATCH", "/wallet/deposit", access, body),
    read: (path: string) => send(server.url, "GET", path, access)
  }
})

describe("effex funding", () => {
  it.live("lists pending requests, confirms and refuses them once", () =>
    Effect.gen(function* () {
      const { deposit, funding, read } = yield* start({})
      const first = yield* deposit({ amount: "25", note: "Salary" })
      const second = yield* deposit({ amount: "1" })
      assert.deepInclude(first, { state: "pending", sandbox: false })
      const listed = yield* funding("list", "--state", "pending", "--direction", "deposit", "--json")
      assert.deepStrictEqual(
        decodeRows(listed.stdout).map(({ id, username }) => [id, username]),
        [
          [second["id"], "amara"],
          [first["id"], "amara"]
        ]
      )
      const confirmed = yield* funding("confirm", String(first["id"]), "--reference", "BANK 1", "--json")
      assert.deepInclude(confirmed.json, { state: "completed", reference: "BANK 1", amount: "25" })
      assert.match(String(confirmed.json["settled_by"]), /^cli:/)
      assert.deepInclude(yield* read(`/wallet/funding/${String(first["id"])}`), { state: "completed" })
      const used = yield* funding("confirm", String(second["id"]), "--reference", "bank1")
      assert.deepStrictEqual([used.code, used.output.includes(String(first["id"]))], [1, true])
      const refused = yield* funding("refuse", String(second["id"]), "--reason", "No payment")
      assert.match(refused.output, /^state +failed$/m)
      const late = yield* funding("confirm", String(second["id"]), "--reference", "BANK 2")
      assert.deepStrictEqual([late.code, late.output.includes("already failed: No payment")], [1, true])
      assert.match((yield* funding("list", "--state", "pending")).output, /There are no such/)
      assert.match((yield* funding("list")).output, /Salary/)
      const missing = yield* funding("refuse", "01980000-0000-7000-8000-000000000000", "--reason", "x")
      assert.strictEqual(missing.code, 1)
      assert.notStrictEqual((yield* funding("confirm", "x", "--reference", "R")).code, 0)
    })
  )

  it.live(
    "a server settles in the background, and says at its start that money of the sandbox is not real",
    () =>
      Effect.gen(function* () {
        const { deposit, read, server } = yield* start({ FUNDING: "sandbox" })
        assert.include(server.output(), "set FUNDING=manual")
        const { id, sandbox, state } = yield* deposit({ amount: "5", note: "sandbox:later 1" })
        assert.deepStrictEqual([sandbox, state], [true, "pending"])
        const settled = yield* read(`/wallet/funding/${String(id)}`).pipe(
          Effect.delay("100 millis"),
          Effect.repeat({ until: (body) => body["state"] !== "pending" })
        )
        assert.deepInclude(settled, { state: "completed", reference: `sandbox:${String(id)}` })
      })
  )
})
