import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Layer } from "effect"
import { TestConsole } from "effect/testing"
import * as Telemetry from "../../../src/platform/telemetry/Telemetry.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const SECRET = 'a "secret" of 1 kind'
const KEY = "efx_live_0123456789abcdef"

/** All that is written where everything of a line holds a secret, and then a line without one. */
const written = Effect.fnUntraced(function* (format: string) {
  const env = { LOG_FORMAT: format, DATABASE_URL: `postgres://x:${encodeURIComponent(SECRET)}@host/x` }
  yield* Effect.gen(function* () {
    yield* Effect.logInfo(`a message: ${SECRET}`)
    yield* Effect.logInfo({ said: SECRET })
    yield* Effect.logError("why", Cause.fail(new Error(SECRET)))
    yield* Effect.annotateLogs(Effect.logInfo("where"), { url: `/rates?key=${KEY}`, secret: SECRET })
    yield* Effect.withLogSpan(Effect.logInfo("when"), KEY)
    yield* Effect.logInfo("all is well")
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

describe("The log", () => {
  for (const format of ["pretty", "json"])
    it.effect(`holds no secret in any part of a line, as ${format}`, () =>
      Effect.gen(function* () {
        const text = yield* written(format)
        for (const told of ["a message", "said", "why", "where", "when", "all is well"])
          assert.include(text, told)
        assert.notMatch(text, /of 1 kind|efx_live|of%201/)
        assert.include(text, "<redacted>")
      })
    )
})
