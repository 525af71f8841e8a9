import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { Browser as PlaywrightBrowser } from "playwright-core"
import * as Browser from "../../../support/Browser.ts"
import { TestServer } from "../../../support/TestServer.ts"

/** Pages take long on a busy machine. */
const TEST_TIMEOUT = 300_000

/** Start of the description in the OpenAPI document. */
const DESCRIPTION = "Foreign-exchange rates, conversions with audit records"

class TestBrowser extends Context.Service<TestBrowser, PlaywrightBrowser>()("effex/test/DocsBrowser") {
  static readonly layer = Layer.effect(TestBrowser, Browser.launch)
}

layer(Layer.merge(TestServer.layer(), TestBrowser.layer), { excludeTestServices: true })(
  "The documentation in a browser",
  (it) => {
    for (const path of ["/docs", "/api/v1/redoc/", "/api/v1/swagger/"])
      it.effect(
        `shows the OpenAPI document, and loads nothing from other hosts: ${path}`,
        () =>
          Effect.gen(function* () {
            const { url } = yield* TestServer
            const { faults, page } = yield* Browser.openPage(yield* TestBrowser, url, {
              screen: "desktop",
              colorScheme: "light"
            })
            yield* Effect.promise(() => page.goto(url + path))
            yield* Effect.promise(() => page.getByText(DESCRIPTION).first().waitFor())
            assert.deepStrictEqual(faults, [])
          }).pipe(Effect.scoped),
        TEST_TIMEOUT
      )
  }
)
