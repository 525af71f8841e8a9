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
  new MutationObserver(() => changes++).observe(document.querySelector("tbody tr .chosen"), {
    childList: true, characterData: true, subtree: true
  })
`

describe.skipIf(!Chromium.isAvailable)("The board", () => {
  layer(WebTest.app(), { excludeTestServices: true, timeout: WebTest.TEST_TIMEOUT })("in a browser", (it) => {
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
        const cell = page.locator("tbody tr .chosen")
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
