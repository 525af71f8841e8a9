import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import { SIGNING_KEY } from "../../support/TestConversions.ts"
import { parseJsonObject } from "../../support/TestServer.ts"

const UNKNOWN_ID = "01980000-0000-7000-8000-000000000000"

const start = Effect.gen(function* () {
  const { env } = yield* Effex.makeSandbox({
    ALLOW_ANONYMOUS_CONVERT: "true",
    AUDIT_SIGNING_KEY: SIGNING_KEY,
    LOG_LEVEL: "none"
  })
  const effex = (...args: ReadonlyArray<string>) => EffexCommand.exec(args, env)
  return { env, effex }
})

/** Returns the value of a table row. */
const cell = (output: string, name: string) => new RegExp(`^${name} +(\\S.*)$`, "m").exec(output)?.[1]

describe("effex convert", () => {
  it.live("converts a source or a target amount and prints a table or JSON", () =>
    Effect.gen(function* () {
      const { effex, env } = yield* start
      const shown = yield* effex("convert", "500", "usd:NGN", "--reference", "order 7")
      assert.strictEqual(shown.code, 0, shown.output)
      assert.strictEqual(cell(shown.output, "input amount"), "500.00")
      assert.strictEqual(cell(shown.output, "reference"), "order 7")
      assert.match(cell(shown.output, "output amount") ?? "", /^\d+\.\d\d$/)
      const json = yield* Effex.run(["convert", "100000", "USD", "NGN", "--target", "--json"], env)
      assert.strictEqual(yield* json.ended, 0, json.output())
      assert.deepInclude(parseJsonObject(json.output()), {
        output_amount: "100000.00",
        amount_type: "target",
        margin: "0.005",
        provider: "sandbox"
      })
      assert.deepInclude((yield* effex("audit", "verify", "--json")).json, {
        ok: true,
        records: 0,
        unsealed: 2
      })
    }).pipe(Effect.scoped)
  )

  it.live("converts once for repeated requests with one idempotency key", () =>
    Effect.gen(function* () {
      const { effex, env } = yield* start
      const args = ["convert", "500", "USD", "NGN", "--idempotency-key", "k"] as const
      const first = yield* effex(...args, "--json")
      const again = yield* effex(...args, "--json")
      assert.deepStrictEqual([again.code, again.output], [0, first.output])
      const removed = yield* EffexCommand.exec([...args, "--json"], { ...env, RATE_DESTINATIONS: "KES" })
      assert.deepStrictEqual([removed.code, removed.output], [0, first.output])
      const shown = yield* effex(...args)
      assert.strictEqual(cell(shown.output, "audit id"), first.json["audit_id"])
      assert.include(shown.output, "printed is the first conversion")
      const other = yield* effex("convert", "501", "USD", "NGN", "--idempotency-key", "k")
      assert.strictEqual(other.code, 1)
      assert.include(other.output, "was used for a different request")
    }).pipe(Effect.scoped)
  )

  it.live("uses a quote once", () =>
    Effect.gen(function* () {
      const { effex } = yield* start
      const quote = yield* effex("quote", "500", "USD", "NGN", "--ttl", "600", "--json")
      assert.strictEqual(quote.code, 0, quote.output)
      const id = String(quote.json["quote_id"])
      const other = yield* effex("convert", "501", "USD", "NGN", "--quote", id)
      assert.strictEqual(other.code, 1)
      assert.include(other.output, "amount must be 500, as in the quote")
      const { json } = yield* effex("convert", "500", "USD", "NGN", "--quote", id, "--json")
      const { expires_at: _, ...numbers } = quote.json
      assert.deepInclude(json, numbers)
      const again = yield* effex("convert", "500", "USD", "NGN", "--quote", id)
      assert.strictEqual(again.code, 1)
      assert.include(again.output, "was already used")
    }).pipe(Effect.scoped)
  )

  it.live("rejects an invalid conversion with one message and exit code 1", () =>
    Effect.gen(function* () {
      const { effex } = yield* start
      const convert = (...args: ReadonlyArray<string>) => ["convert", ...args]
      const cases = [
        [convert("0", "USD", "NGN"), "is not a positive amount of USD with at most 2 decimals"],
        [convert("--target", "0.5", "USD", "XOF"), "is not a positive amount of XOF"],
        [convert("1", "USD", "ABC"), '"ABC" is not supported'],
        [convert("1", "USD", "NGN", "--quote", "x"), "x is not a quote id"],
        [convert("1", "USD", "NGN", "--quote", UNKNOWN_ID), "No quote has the id"],
        [convert("1", "USD", "NGN", "--reference", "a\nb"), "no control characters"],
        [
          convert("1", "USD", "NGN", "--idempotency-key", "x".repeat(256)),
          "1 to 255 printable ASCII characters"
        ],
        [["quote", "1", "USD", "NGN", "--ttl", "3601"], "from 1 second to 1 hour"]
      ] as const
      const results = yield* Effect.forEach(cases, ([args]) => effex(...args), { concurrency: 4 })
      for (const [i, [args, message]] of cases.entries()) {
        assert.strictEqual(results[i]?.code, 1, args.join(" "))
        assert.include(results[i]?.output, message)
        assert.notMatch(results[i]?.output ?? "", /^\s+at /m)
      }
      assert.deepInclude((yield* effex("audit", "verify", "--json")).json, { records: 0, unsealed: 0 })
    }).pipe(Effect.scoped)
  )
})

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "effex-receipt-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

describe("effex audit and effex receipt", () => {
  it.live("verify a receipt and detect a changed record", () =>
    Effect.gen(function* () {
      const { effex, env } = yield* start
      const { code, json, output } = yield* effex("convert", "500", "USD", "NGN", "--json")
      assert.strictEqual(code, 0, output)
      const { url } = yield* EffexCommand.serve({ ...env, LOG_LEVEL: "info" })
      const receipt = yield* Effex.get(url, `/api/v1/audit/conversions/${json["audit_id"]}/receipt`)
      assert.strictEqual(receipt.status, 200, receipt.body)

      const verified = yield* effex("audit", "verify", "--json")
      assert.strictEqual(verified.code, 0)
      assert.deepInclude(verified.json, { ok: true, records: 1, unsealed: 0 })
      const shown = yield* effex("audit", "verify")
      assert.strictEqual(cell(shown.output, "head"), verified.json["head"])
      const heads = yield* effex("audit", "heads")
      assert.strictEqual(heads.code, 0)
      assert.strictEqual(heads.output.trimEnd(), JSON.stringify(parseJsonObject(receipt.body)["head"]))

      const exported = yield* effex("audit", "export")
      assert.strictEqual(exported.code, 0, exported.output)
      const { record } = parseJsonObject(receipt.body)
      assert.deepStrictEqual(exported.json, { ...Object(record), position: 1 })
      const csv = yield* effex("audit", "export", "--format", "csv")
      assert.match(csv.stdout, new RegExp(`^audit_id,.*,position\r?\n${json["audit_id"]},.*,1\r?\n$`))
      assert.strictEqual((yield* effex("audit", "export", "--after", "1")).stdout, "")
      const beyond = yield* effex("audit", "export", "--after", "2")
      assert.deepStrictEqual([beyond.code, beyond.output.includes("--after must be at most 1")], [1, true])

      const path = join(yield* folder, "receipt.json")
      const key = String(verified.json["public_keys"])
      const verify = Effect.fnUntraced(function* (text: string, key: string) {
        yield* Effect.promise(() => writeFile(path, text))
        // Without a database or any other setting.
        return yield* EffexCommand.exec(["receipt", "verify", path, "--key", key])
      })
      const valid = yield* verify(receipt.body, key)
      assert.strictEqual(valid.code, 0, valid.output)
      assert.include(valid.output, `500.00 USD to ${json["output_amount"]} NGN (source amount)`)
      assert.include(valid.output, `The conversion ${json["audit_id"]} is record 1 of 1`)
      const amount = `"output_amount":"${json["output_amount"]}"`
      const invalid = [
        [receipt.body, "0".repeat(64), "head.public_key is not the given key"],
        [receipt.body, key.slice(1), "found neither a public key nor a file"],
        [receipt.body.replace(amount, '"output_amount":"1.00"'), key, "do not produce the signed root"],
        [receipt.body.replace('"tree_size":1', '"tree_size":2'), key, "was not signed with this key"],
        [receipt.body.replace(amount, `${amount},${amount}`), key, "must not repeat a key"],
        [receipt.body.replace(amount, `${amount},"note":"paid"`), key, 'at ["record"]["note"]'],
        ["{}", key, "is not a receipt"]
      ] as const
      for (const [text, publicKey, message] of invalid) {
        const rejected = yield* verify(text, publicKey)
        assert.strictEqual(rejected.code, 1, message)
        assert.include(rejected.output, message)
      }
    }).pipe(Effect.scoped)
  )
})
