import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Layer } from "effect"
import { TestConsole } from "effect/testing"
import * as Telemetry from "../../../src/platform/telemetry/Telemetry.ts"
import { parseJsonObject } from "../../support/TestServer.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const SECRET = 'a "secret" of 1 kind'
const KEY = "efx_live_0123456789abcdef"

/** Logs lines with a secret in every part, and one without; returns the output. */
const logOutput = Effect.fnUntraced(function* (format: string) {
  const env = { LOG_FORMAT: format, DATABASE_URL: `postgres://x:${encodeURIComponent(SECRET)}@host/x` }
  yield* Effect.gen(function* () {
    yield* Effect.logInfo(`a message: ${SECRET}`)
    yield* Effect.logInfo({ object: SECRET })
    yield* Effect.logError("cause", Cause.fail(new Error(SECRET)))
    yield* Effect.annotateLogs(Effect.logInfo("annotations"), { url: `/rates?key=${KEY}`, secret: SECRET })
    yield* Effect.withLogSpan(Effect.logInfo("span"), KEY)
    yield* Effect.logInfo("no secret")
    yield* Effect.logWarning("failed", new Error("why"))
  }).pipe(
    Effect.provide(
      Telemetry.layer.pipe(
        Layer.provide(TestSettings.layer(env)),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
      )
    )
  )
  return (yield* TestConsole.errorLines).map(String).join("\n")
})

describe("Telemetry, logs", () => {
  it.effect("writes the message of every JSON line as a string, and other values as details", () =>
    Effect.gen(function* () {
      const lines = (yield* logOutput("json")).split("\n").map((line) => parseJsonObject(line))
      assert.isTrue(lines.every(({ message }) => typeof message === "string"))
      const [, object, cause, , , , failure] = lines
      assert.deepInclude(object, { message: '[{"object":"<redacted>"}]' })
      assert.deepStrictEqual(object?.["details"], [{ object: "<redacted>" }])
      assert.notProperty(cause, "details")
      assert.strictEqual(failure?.["message"], "failed")
      assert.deepStrictEqual(failure?.["details"], [{ name: "Error", message: "why" }])
    })
  )

  for (const format of ["pretty", "json"])
    it.effect(`redacts secrets in all parts of a line in the format ${format}`, () =>
      Effect.gen(function* () {
        const text = yield* logOutput(format)
        for (const part of ["a message", "object", "cause", "annotations", "span", "no secret"])
          assert.include(text, part)
        assert.notMatch(text, /of 1 kind|efx_live|of%201/)
        assert.include(text, "<redacted>")
      })
    )
})
