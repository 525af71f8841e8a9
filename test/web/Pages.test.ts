import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import * as Browser from "../support/Browser.ts"
import * as Callers from "../support/Callers.ts"
import * as Chromium from "../support/Chromium.ts"
import { conversionRequest } from "../support/ConversionRequests.ts"
import * as RateChanges from "../support/RateChanges.ts"
import { tick } from "../support/RateTicks.ts"
import { get, TestServer } from "../support/TestServer.ts"
import * as WebTest from "./support/WebTest.ts"

const { run, TEST_TIMEOUT, TestBrowser } = WebTest

const PAGES = {
  board: "/",
  pair: "/rates/USD/NGN",
  crypto: "/crypto",
  stocks: "/stocks",
  verify: "/verify",
  missing: "/no/such/page"
} as const

/** Opens a page, and waits until it is live. */
const open = Effect.fnUntraced(function* (path: string, options?: Browser.ContextOptions) {
  const observed = yield* WebTest.open(path, options)
  yield* run(() => observed.page.getByRole("status").filter({ hasText: "Live" }).waitFor())
  return observed
})

describe.skipIf(!Chromium.isAvailable)("The web app", () => {
  layer(WebTest.app(), { excludeTestServices: true, timeout: TEST_TIMEOUT })("in a browser", (it) => {
    it.effect(
      "has no accessibility violation, foreign request, policy violation or console error on any page",
      () =>
        Effect.gen(function* () {
          yield* RateChanges.change("USD:NGN", "1520.25")
          yield* RateChanges.change("USD:NGN", "1528.0351515")
          yield* RateChanges.change("EUR:KES", "149.78")
          for (const [code, kind, price] of [
            ["BTC", "crypto", "50383.4"],
            ["AAPL", "stock", "231.02"]
          ] as const) {
            const { authorization } = yield* Callers.withScopes("admin")
            const listed = yield* get(`/api/v1/admin/assets/${code}`, {
              method: "PUT",
              headers: { "content-type": "application/json", authorization },
              body: JSON.stringify({ kind, name: code, decimals: 8 })
            })
            assert.strictEqual(listed.status, 200, listed.text)
            yield* (yield* RateRepo).insert(yield* tick(code, "USD", price))
          }
          for (const { colorScheme, screen } of WebTest.VARIANTS) {
            const { faults, page } = yield* open("/", { screen, colorScheme })
            const { url } = yield* TestServer
            for (const [name, path] of Object.entries(PAGES)) {
              const where = `${name}, ${screen}, ${colorScheme}`
              yield* run(() => page.goto(url + path))
              yield* run(() => page.getByRole("heading", { level: 1 }).waitFor())
              yield* run(() => page.getByRole("status").filter({ hasText: "Live" }).waitFor())
              if (name === "pair") yield* run(() => page.locator(".uplot canvas").waitFor())
              yield* WebTest.assertUsable(page, where)
              yield* WebTest.screenshot(page, `${name}-${screen}-${colorScheme}`)
            }
            // The page of an unknown path has the status 404, which Chromium reports.
            assert.deepStrictEqual(
              faults.filter((fault) => !fault.includes("404 (Not Found)")),
              [],
              `${screen}, ${colorScheme}`
            )
          }
        }).pipe(Effect.scoped),
      TEST_TIMEOUT
    )

    it.effect("shows numbers before any script has asked the server", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:KES", "128.735")
        const { url } = yield* TestServer
        const { context, page } = yield* Browser.openPage(yield* TestBrowser, url, {
          screen: "phone",
          colorScheme: "light"
        })
        yield* run(() => context.route(/\/(api|ws)\//, (route) => route.abort()))
        yield* run(() => page.goto(url))
        const row = page.getByRole("row").filter({ hasText: "KES" })
        assert.include(yield* run(() => row.innerText()), "128.735")
      }).pipe(Effect.scoped)
    )

    it.effect("moves nothing that is drawn while it loads and connects", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:KES", "128.735")
        const { url } = yield* TestServer
        for (const screen of ["phone", "desktop"] as const) {
          const { page } = yield* Browser.openPage(yield* TestBrowser, url, { screen, colorScheme: "light" })
          yield* WebTest.recordShifts(page)
          yield* run(() => page.goto(url))
          yield* run(() => page.getByRole("status").filter({ hasText: "Live" }).waitFor())
          assert.deepStrictEqual(yield* WebTest.shiftsOf(page), [], screen)
        }
      }).pipe(Effect.scoped)
    )

    it.effect("moves nothing that is drawn while it reconnects", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:KES", "128.735")
        const { url } = yield* TestServer
        for (const screen of ["phone", "desktop"] as const) {
          const { page } = yield* Browser.openPage(yield* TestBrowser, url, { screen, colorScheme: "light" })
          yield* WebTest.recordShifts(page)
          const status = (text: string) => page.getByRole("status").filter({ hasText: text }).waitFor()
          let connections = 0
          yield* run(() =>
            page.routeWebSocket(/\/ws\/rates\//, async (socket) => {
              if (connections++ > 0) await status("Reconnecting")
              const server = socket.connectToServer()
              // A connection is open with its first message.
              if (connections === 1)
                server.onMessage((message) => {
                  socket.send(message)
                  socket.close()
                })
            })
          )
          yield* run(() => page.goto(url))
          yield* run(() => status("Reconnecting"))
          yield* run(() => status("Live"))
          assert.deepStrictEqual(yield* WebTest.shiftsOf(page), [], screen)
        }
      }).pipe(Effect.scoped)
    )

    it.effect("draws a change of a rate on the board and on the pair page", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:GHS", "11.8552")
        const { page } = yield* open("/")
        const row = page.getByRole("row").filter({ hasText: "GHS" })
        yield* run(() => row.getByText("11.8552").waitFor())
        yield* RateChanges.change("USD:GHS", "12.3456")
        yield* run(() => row.getByText("12.3456").waitFor())
        yield* run(() => row.getByRole("link").click())
        yield* run(() => page.getByRole("heading", { name: "US Dollar to Ghana Cedi" }).waitFor())
        yield* RateChanges.change("USD:GHS", "12.4567")
        yield* run(() => page.locator(".figure .rate").getByText("12.4567").waitFor())
        assert.match(yield* run(() => page.title()), /^USD to GHS/)
      }).pipe(Effect.scoped)
    )

    it.effect("turns an amount into what it buys, rounded down, and says what is wrong with one", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:UGX", "3700.129")
        const { page } = yield* open("/")
        const amount = page.getByLabel("Amount")
        yield* run(() => amount.fill("1,000.5"))
        yield* run(() => page.getByRole("heading", { name: "What 1,000.5 US Dollar buys" }).waitFor())
        const row = page.getByRole("row").filter({ hasText: "UGX" })
        assert.include(yield* run(() => row.innerText()), "3,701,979")
        yield* run(() => amount.fill("-3"))
        yield* run(() => page.getByRole("alert").getByText("Type a positive amount").waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("converts in both directions with the spread shown, and keeps the digits", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:NGN", "1528.0351515")
        const { page } = yield* open("/rates/USD/NGN")
        const [pay, receive] = [page.getByLabel("You pay"), page.getByLabel("They get")]
        yield* run(() => pay.fill("1000"))
        assert.strictEqual(yield* run(() => receive.inputValue()), "1,520,394.97")
        yield* run(() => page.getByText("Margin 0.5%").waitFor())
        yield* run(() => page.getByText("5.00 USD").waitFor())
        yield* run(() => receive.fill("1520394.97"))
        assert.strictEqual(yield* run(() => pay.inputValue()), "1,000.00")
        yield* run(() => pay.fill("999999999999999999.99"))
        assert.strictEqual(yield* run(() => receive.inputValue()), "1,520,394,975,742,499,999,984.79")
        yield* run(() => pay.fill("abc"))
        yield* run(() => page.getByRole("alert").getByText("Type a positive amount").waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("reads the chart by keyboard, and has it as a table", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("GBP:ZAR", "22.10")
        yield* RateChanges.change("GBP:ZAR", "22.95")
        const { page } = yield* open("/rates/GBP/ZAR")
        const chart = page.getByRole("img", { name: /lowest 22\.10, highest 22\.95/ })
        yield* run(() => chart.waitFor())
        yield* run(() => page.locator(".uplot canvas").waitFor())
        yield* run(() => chart.press("End"))
        yield* run(() =>
          page
            .locator(".reading")
            .getByText(/: 22\.95$/)
            .waitFor()
        )
        yield* run(() => chart.press("ArrowLeft"))
        yield* run(() =>
          page
            .locator(".reading")
            .getByText(/: 22\.10$/)
            .waitFor()
        )
        yield* run(() => page.getByRole("radio", { name: "Candles" }).check())
        yield* run(() => page.getByText("Show as table").click())
        yield* run(() => page.getByRole("columnheader", { name: "High" }).waitFor())
        yield* run(() => page.getByRole("radio", { name: "1Y" }).check())
        yield* run(() => page.getByRole("img", { name: /1 year/ }).waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("says since when it is offline, and resumes with the changes that it missed", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:ZMW", "23.1111")
        const { context, page } = yield* open("/")
        const row = page.getByRole("row").filter({ hasText: "ZMW" })
        yield* run(() => row.getByText("23.1111").waitFor())
        yield* run(() => context.setOffline(true))
        yield* run(() => page.getByRole("status").getByText("Offline").waitFor())
        yield* run(() =>
          page
            .getByRole("status")
            .getByText(/as of \d\d:\d\d/)
            .waitFor()
        )
        yield* RateChanges.change("USD:ZMW", "24.2222")
        assert.include(yield* run(() => row.innerText()), "23.1111")
        yield* run(() => context.setOffline(false))
        yield* run(() => page.getByRole("status").getByText("Live").waitFor())
        yield* run(() => row.getByText("24.2222").waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("says that a page cannot be loaded without a connection, and opens it with one", () =>
      Effect.gen(function* () {
        const { context, page } = yield* open("/")
        yield* run(() => page.getByRole("status").getByText("Live").waitFor())
        yield* run(() => context.setOffline(true))
        yield* run(() => page.getByRole("status").getByText("Offline").waitFor())
        const link = page.getByRole("link", { name: "Verify a receipt" })
        yield* run(() => link.click())
        yield* run(() => page.getByText("This page could not be loaded.").waitFor())
        assert.strictEqual(new URL(page.url()).pathname, "/")
        yield* run(() => context.setOffline(false))
        yield* run(() => page.getByRole("status").getByText("Live").waitFor())
        yield* run(() => link.click())
        yield* run(() => page.getByRole("heading", { level: 1, name: "Verify a receipt" }).waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("verifies a receipt in the browser without sending it, and names what is wrong", () =>
      Effect.gen(function* () {
        yield* RateChanges.change("USD:NGN", "1528.0351515")
        const { convert } = yield* Conversions
        const { sealAll } = yield* AuditSealer
        const { conversion } = yield* convert(conversionRequest("500"))
        yield* sealAll
        const { text } = yield* get(`/api/v1/audit/conversions/${conversion.audit_id}/receipt`)
        const { page } = yield* open("/verify")
        yield* run(() => page.waitForFunction("document.querySelector('#key').value.length === 64"))
        const requests: Array<string> = []
        page.on("request", (request) => requests.push(request.url()))
        yield* run(() => page.getByLabel("Receipt (JSON)").fill(text))
        yield* run(() => page.getByRole("button", { name: "Verify" }).click())
        yield* run(() => page.getByRole("heading", { name: "The receipt is valid" }).waitFor())
        yield* run(() => page.getByText(conversion.audit_id).waitFor())
        yield* run(() => page.getByLabel("Receipt (JSON)").fill(text.replace('"500.00"', '"900.00"')))
        yield* run(() => page.getByRole("button", { name: "Verify" }).click())
        yield* run(() => page.getByRole("heading", { name: "The receipt is not valid" }).waitFor())
        yield* run(() => page.getByLabel("Receipt (JSON)").fill("no JSON"))
        yield* run(() => page.getByRole("button", { name: "Verify" }).click())
        yield* run(() => page.getByText("This is not JSON").waitFor())
        assert.deepStrictEqual(requests, [])
      }).pipe(Effect.scoped)
    )

    it.effect("keeps the chosen colours for the next visit", () =>
      Effect.gen(function* () {
        const { page } = yield* open("/")
        const background = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor")
        const light = yield* run(background)
        const button = page.getByRole("button", { name: /change$/ })
        yield* run(() => button.click())
        yield* run(() => button.click())
        const dark = yield* run(background)
        assert.notStrictEqual(dark, light)
        yield* run(() => page.reload())
        yield* run(() => page.getByRole("button", { name: "Dark colours, change" }).waitFor())
        assert.strictEqual(yield* run(background), dark)
      }).pipe(Effect.scoped)
    )

    it.effect("says that a pair has no rate, and that an address has no page", () =>
      Effect.gen(function* () {
        const { page } = yield* open("/rates/USD/AAA")
        yield* run(() => page.getByRole("heading", { name: "This pair has no rate" }).waitFor())
        yield* run(() => page.getByRole("link", { name: "Go to the rates" }).click())
        yield* run(() => page.getByLabel("Find a currency").fill("nothing"))
        yield* run(() => page.getByRole("button", { name: "Clear the search" }).click())
        yield* run(() => page.getByRole("rowheader").first().waitFor())
      }).pipe(Effect.scoped)
    )
  })
})
