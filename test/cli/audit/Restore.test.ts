import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as ArchivedPostgres from "../../support/ArchivedPostgres.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as TestConversions from "../../support/TestConversions.ts"

const convert = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/api/v1/convert`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ amount: "500", from_currency: "USD", to_currency: "NGN" })
    })
    return response.status
  })

describe("A restored database", () => {
  it.live("lacks what a kept head names, and nothing once the log is replayed", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const heads = `${folder}/heads.ndjson`
      const env = { AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY, PROVIDERS: "sandbox", DATA_DIR: folder }
      const postgres = yield* ArchivedPostgres.start

      const node = yield* EffexCommand.serve({
        ...env,
        DATABASE_URL: postgres.url,
        AUDIT_HEADS_FILE: heads,
        LOG_LEVEL: "info"
      })
      const awaitSealed = (records: number): Effect.Effect<void> =>
        Effect.gen(function* () {
          const text = yield* Effect.orElseSucceed(fs.readFileString(heads), () => "")
          if (text.includes(`"tree_size":${records},`)) return
          yield* Effect.sleep("50 millis")
          yield* awaitSealed(records)
        })
      for (let n = 0; n < 3; n++) assert.strictEqual(yield* convert(node.url), 200)
      yield* awaitSealed(3)
      const yesterday = yield* postgres.baseBackup
      for (let n = 0; n < 2; n++) assert.strictEqual(yield* convert(node.url), 200)
      yield* awaitSealed(5)
      yield* node.stop
      yield* postgres.archiveAll

      const verify = (url: string, args: ReadonlyArray<string>) =>
        EffexCommand.exec(["audit", "verify", "--json", ...args], {
          ...env,
          DATABASE_URL: url,
          LOG_LEVEL: "error"
        })

      const shorter = yield* postgres.restore(yesterday, "base backup")
      const valid = yield* verify(shorter.url, [])
      assert.strictEqual(valid.code, 0, valid.output)
      assert.deepInclude(valid.json, { ok: true, records: 3 })
      const missing = yield* verify(shorter.url, ["--head", heads])
      assert.strictEqual(missing.code, 1, missing.output)
      assert.match(missing.output, /a kept head covers 5 records, but there are only 3/)

      const complete = yield* postgres.restore(yesterday, "all")
      const whole = yield* verify(complete.url, ["--head", heads])
      assert.strictEqual(whole.code, 0, whole.output)
      assert.deepInclude(whole.json, { ok: true, records: 5 })
      const ledger = yield* EffexCommand.exec(["ledger", "verify"], { ...env, DATABASE_URL: complete.url })
      assert.strictEqual(ledger.code, 0, ledger.output)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
