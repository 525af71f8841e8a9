import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import * as Browser from "../support/Browser.ts"
import * as Chromium from "../support/Chromium.ts"
import * as RateChanges from "../support/RateChanges.ts"
import { TestServer } from "../support/TestServer.ts"
import * as WebTest from "./support/WebTest.ts"

const { run, TestBrowser } = WebTest

/** A 3G line, as the developer tools of Chromium emulate it. */
const SLOW_3G = {
  offline: false,
  latency: 2000,
  downloadThroughput: 50_000,
  uploadThroughput: 50_000
}

const PHONE = { screen: "phone", colorScheme: "light" } as const

const openContext = Effect.gen(function* () {
  const { url } = yield* TestServer
  return yield* Browser.openPage(yield* TestBrowser, url, PHONE)
})

const rowOf = (page: Page, code: string) => page.getByRole("row").filter({ hasText: code })

const backgroundOf = (page: Page, selector: string) =>
  page.evaluate<string>(`getComputedStyle(document.querySelector("${selector}")).backgroundColor`)

describe.skipIf(!Chromium.isAvailable)("The first paint", () => {
  layer(WebTest.app(), { excludeTestServices: true, timeout: WebTest.TEST_TIMEOUT })("in a browser", (it) => {
    it.effect("needs nothing but the document", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:NGN", "1528.0351515")
        const { url } = yield* TestServer
        const { context, page } = yield* openContext
        yield* run(() =>
          context.route(/./, (route) =>
            route.request().isNavigationRequest() ? route.continue() : route.abort()
          )
        )
        yield* run(() => page.goto(url))
        yield* run(() => rowOf(page, "NGN").getByText("1,528.04").waitFor())
        assert.strictEqual(yield* run(() => backgroundOf(page, ".panel")), "rgb(27, 29, 82)")
        yield* run(() => page.goto(`${url}/rates/usd/ngn/`))
        yield* run(() => page.getByRole("heading", { name: "US Dollar to" }).waitFor())
        assert.include(yield* run(() => page.locator(".figure .rate").innerText()), "1,528.0352")
        assert.strictEqual(yield* run(() => page.title()), "USD to NGN · effex")
        assert.strictEqual(yield* run(() => backgroundOf(page, ".panel")), "rgb(27, 29, 82)")
      }).pipe(Effect.scoped)
    )

    it.effect("has numbers and working links without JavaScript", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:KES", "128.735")
        const { url } = yield* TestServer
        const browser = yield* TestBrowser
        const context = yield* Effect.acquireRelease(
          run(() => browser.newContext({ javaScriptEnabled: false, viewport: Browser.SCREENS.phone })),
          (opened) => run(() => opened.close())
        )
        const page = yield* run(() => context.newPage())
        yield* run(() => page.goto(url))
        yield* run(() => rowOf(page, "KES").getByText("128.735").waitFor())
        yield* WebTest.screenshot(page, "board-without-javascript-phone-light", { hasScripts: false })
        yield* run(() => rowOf(page, "KES").getByRole("link").click())
        yield* run(() => page.getByText("1 USD =").waitFor())
        yield* WebTest.screenshot(page, "pair-without-javascript-phone-light", { hasScripts: false })
      }).pipe(Effect.scoped)
    )

    it.effect("comes before the scripts on a slow line, and nothing moves when they arrive", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:NGN", "1528.0351515")
        const { url } = yield* TestServer
        for (const path of ["/", "/rates/USD/NGN"]) {
          const { context, faults, page } = yield* openContext
          yield* WebTest.recordShifts(page)
          const session = yield* run(() => context.newCDPSession(page))
          yield* run(() => session.send("Network.enable"))
          yield* run(() => session.send("Network.emulateNetworkConditions", SLOW_3G))
          yield* run(() => page.goto(url + path))
          yield* run(() => page.getByRole("status").filter({ hasText: "Live" }).waitFor())
          const { painted, scripts } = yield* run(() =>
            page.evaluate<{ painted: number; scripts: Array<number> }>(`({
              painted: performance.getEntriesByName("first-contentful-paint")[0].startTime,
              scripts: performance.getEntriesByType("resource")
                .filter(({ name }) => name.endsWith(".js")).map(({ responseEnd }) => responseEnd)
            })`)
          )
          assert.isAtLeast(scripts.length, 3)
          assert.isBelow(painted, Math.min(...scripts), path)
          assert.deepStrictEqual(yield* WebTest.shiftsOf(page), [], path)
          assert.deepStrictEqual(faults, [], path)
        }
      }).pipe(Effect.scoped)
    )

    it.effect("keeps what was entered before the scripts arrived", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:UGX", "3700.129")
        yield* RateChanges.change("EUR:UGX", "4000")
        const { url } = yield* TestServer
        const { context, page } = yield* openContext
        let release = () => {}
        const released = new Promise<void>((resolve) => (release = resolve))
        yield* run(() =>
          context.route(/\/assets\/.*\.js/, async (route) => {
            await released
            await route.continue()
          })
        )
        yield* run(() => page.goto(url, { waitUntil: "commit" }))
        yield* run(() => page.getByLabel("Amount").fill("250"))
        yield* run(() => page.getByRole("radio", { name: "EUR" }).check({ force: true }))
        release()
        yield* run(() => page.getByRole("heading", { name: "What 250 Euro buys" }).waitFor())
        assert.strictEqual(yield* run(() => page.getByLabel("Amount").inputValue()), "250")
        yield* run(() => rowOf(page, "UGX").getByText("1,000,000").waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("of a pair that is not polled fetches its rate", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:NGN", "1528.0351515")
        yield* RateChanges.answer("0.00065443")
        const { page } = yield* WebTest.open("/rates/NGN/USD")
        yield* run(() => page.locator(".figure .rate").getByText("0.00065443").waitFor())
        yield* run(() => page.getByText("Fetched when somebody asks for it").waitFor())
        yield* run(() => page.getByRole("link", { name: "Show USD to NGN" }).click())
        yield* run(() => page.getByRole("heading", { name: "US Dollar to" }).waitFor())
      }).pipe(Effect.scoped)
    )
  })
})
