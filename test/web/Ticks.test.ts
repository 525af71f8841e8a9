import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { WebSocketRoute } from "playwright-core"
import * as Browser from "../support/Browser.ts"
import * as Chromium from "../support/Chromium.ts"
import * as RateChanges from "../support/RateChanges.ts"
import { parseJsonObject, TestServer } from "../support/TestServer.ts"
import * as WebTest from "./support/WebTest.ts"

const { run, TestBrowser } = WebTest

const TICKS = 3000
/** Least time between two drawings of the board. */
const DRAW_INTERVAL_MILLIS = 200

/** Counts the changes of the text of a row, and the time that they take. */
const COUNT_CHANGES = `
  globalThis.changes = 0
  globalThis.startedAt = performance.now()
  new MutationObserver(() => changes++).observe(document.querySelector("tbody tr:has(a[href='/rates/USD/NGN']) .chosen"), {
    childList: true, characterData: true, subtree: true
  })
`

describe.skipIf(!Chromium.isAvailable)("The board", () => {
  layer(WebTest.app(), { excludeTestServices: true, timeout: WebTest.TEST_TIMEOUT })("in a browser", (it) => {
    it.effect(
      "has a row for each currency before its rate is known, and moves nothing when rates arrive",
      () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const opened = yield* Effect.forEach(["phone", "desktop"] as const, (screen) =>
            Effect.gen(function* () {
              const { page } = yield* Browser.openPage(yield* TestBrowser, url, {
                screen,
                colorScheme: "light"
              })
              yield* WebTest.recordShifts(page)
              yield* run(() => page.goto(url))
              yield* run(() => page.getByRole("status").filter({ hasText: "Live" }).waitFor())
              yield* run(() => page.getByText("The first rates are being fetched.").waitFor())
              return { page, screen, rows: yield* run(() => page.getByRole("row").count()) }
            })
          )
          yield* RateChanges.change("USD:EGP", "48.4416")
          yield* RateChanges.change("GBP:NGN", "2042.2189")
          // No currency that the board has as a row.
          yield* RateChanges.change("EUR:USD", "1.16812")
          yield* RateChanges.change("USD:ZMW", "23.6260")
          for (const { page, rows, screen } of opened) {
            yield* run(() => page.getByRole("row").getByText("23.6260").waitFor())
            yield* run(() => page.getByText("At the mid rate, before any margin.").waitFor())
            assert.strictEqual(yield* run(() => page.getByRole("row").count()), rows, screen)
            assert.deepStrictEqual(yield* WebTest.shiftsOf(page), [], screen)
          }
        }).pipe(Effect.scoped)
    )

    it.effect("draws thousands of changes a few times a second, and ends with the newest", () =>
      Effect.gen(function* () {
        const { rate_id } = yield* RateChanges.change("USD:NGN", "1500.00")
        const { url } = yield* TestServer
        const { faults, page } = yield* Browser.openPage(yield* TestBrowser, url, {
          screen: "desktop",
          colorScheme: "light"
        })
        let socket: WebSocketRoute | undefined
        let change: Readonly<Record<string, unknown>> = {}
        yield* run(() =>
          page.routeWebSocket(/\/ws\/rates\//, (opened) => {
            socket = opened
            opened.connectToServer().onMessage((message) => {
              const json = parseJsonObject(String(message))
              if (json["type"] === "rate_update") change = json
              opened.send(message)
            })
          })
        )
        yield* run(() => page.goto(url))
        yield* run(() => page.getByRole("status").filter({ hasText: "Live" }).waitFor())
        const cell = page.getByRole("row").filter({ hasText: "NGN" }).locator(".chosen")
        yield* RateChanges.change("USD:NGN", "1501.00")
        yield* run(() => cell.getByText("1,501.00").waitFor())
        assert.notStrictEqual(change["rate_id"], rate_id)
        yield* run(() => page.evaluate(COUNT_CHANGES))
        for (let tick = 1; tick <= TICKS; tick++)
          socket?.send(
            JSON.stringify({
              ...change,
              rate: `${1501 + tick}.00`,
              rate_id: `tick ${tick}`,
              fetched_at: new Date().toISOString(),
              sequence: Number(change["sequence"]) + tick
            })
          )
        yield* run(() => cell.getByText("4,501.00").waitFor())
        const { changes, elapsed } = yield* run(() =>
          page.evaluate<{ changes: number; elapsed: number }>(
            "({ changes, elapsed: performance.now() - startedAt })"
          )
        )
        assert.isAtLeast(changes, 1)
        assert.isAtMost(changes, Math.ceil(elapsed / DRAW_INTERVAL_MILLIS) + 1)
        assert.deepStrictEqual(faults, [])
      }).pipe(Effect.scoped)
    )
  })
})
