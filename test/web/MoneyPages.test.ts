import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import * as Callers from "../support/Callers.ts"
import { connectAdmin } from "../../src/client/promise/ConnectAdmin.ts"
import * as Chromium from "../support/Chromium.ts"
import * as RateChanges from "../support/RateChanges.ts"
import { TestServer } from "../support/TestServer.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as Wallets from "./support/Wallets.ts"
import * as WebTest from "./support/WebTest.ts"

const { go, open, run, signUp, TEST_TIMEOUT } = WebTest

const PHONE = { screen: "phone", colorScheme: "dark" } as const

/** Responses that refuse something are reported by the console of Chromium. */
const isExpected = (fault: string) => /status of (400|401|402|403|404|409|422)/.test(fault)

const click = (page: Page, role: "button" | "link", name: RegExp | string) =>
  run(() =>
    page
      .getByRole(role, { name, exact: typeof name === "string" })
      .first()
      .click()
  )

const see = (page: Page, text: RegExp | string) => run(() => page.getByText(text).first().waitFor())

const heading = (page: Page, name: RegExp | string) =>
  run(() => page.getByRole("heading", { name }).first().waitFor())

const field = (page: Page, label: string) => page.getByRole("textbox", { name: label })

const isLive = (page: Page) => run(() => page.getByRole("status").filter({ hasText: "Live" }).waitFor())

describe.skipIf(!Chromium.isAvailable)("The money pages", () => {
  layer(WebTest.app({ FUNDING: "sandbox" }), { excludeTestServices: true, timeout: TEST_TIMEOUT })(
    "in a browser, with the sandbox",
    (it) => {
      it.effect(
        "let a first-time user sign up, deposit, convert, send, buy, sell, read the statement and sign out",
        () =>
          Effect.gen(function* () {
            yield* Wallets.prices
            const { page: other } = yield* open("/")
            yield* signUp(other, "bola")
            const { faults, page } = yield* open("/sign-up", PHONE)
            yield* run(() => field(page, "Username").fill("amara"))
            yield* run(() => page.getByLabel("Password", { exact: true }).fill(WebTest.PASSWORD))
            yield* run(() => page.getByLabel("Password", { exact: true }).press("Enter"))
            yield* run(() => page.waitForURL("**/wallet"))
            yield* see(page, "Deposit money first")
            yield* WebTest.screenshot(page, "wallet-empty-phone-dark")

            yield* click(page, "link", "Make a deposit")
            yield* click(page, "button", "500")
            yield* click(page, "button", "Deposit 500.00 USD")
            yield* heading(page, "Your deposit has arrived")
            yield* click(page, "link", "Go to the wallet")
            yield* see(page, "$500")

            yield* click(page, "link", "Convert")
            yield* run(() => field(page, "You pay").fill("100"))
            yield* run(() =>
              page.waitForFunction("document.querySelectorAll('input')[1].value === '152,039.49'")
            )
            yield* click(page, "button", "Lock this rate for 30 seconds")
            yield* see(page, /^Rate locked for \d+ s$/)
            yield* see(page, "0.50 USD")
            yield* see(page, "152,039.49 NGN")
            yield* click(page, "button", "Convert 100.00 USD to 152,039.49 NGN")
            yield* heading(page, "Converted")
            yield* (yield* AuditSealer).sealAll
            yield* see(page, /Verified in your browser: record \d+ of \d+/)

            yield* click(page, "link", "Send")
            yield* run(() => field(page, "Username or wallet id").fill("Bola"))
            yield* see(page, /^Wallet [0-9a-f-]{36}$/)
            yield* run(() => field(page, "Amount").fill("25"))
            yield* run(() => field(page, "Note").fill("Dinner"))
            yield* click(page, "button", "Review")
            yield* heading(page, "Check before you send")
            yield* see(page, "375.00 USD")
            yield* click(page, "button", "Send 25.00 USD to bola")
            yield* heading(page, "bola has the money")
            yield* see(page, "375.00 USD")

            yield* click(page, "link", "Markets")
            yield* click(page, "link", /BTC/)
            yield* run(() => field(page, "Amount").fill("50"))
            yield* see(page, "It is sent to the exchange alone")
            yield* click(page, "button", "Review the order")
            yield* heading(page, "Check before you buy")
            yield* click(page, "button", /^Buy 0\.000995\d+ BTC for 50\.00 USD$/)
            yield* heading(page, "Your order is being sent")
            yield* TestSettlement.settle
            yield* heading(page, "You bought")
            yield* see(page, "Computed again in this page: the share is equal.")

            yield* click(page, "link", "Place another order")
            yield* run(() => page.getByRole("radio", { name: "Sell" }).check())
            yield* run(() => page.getByRole("combobox", { name: /Amount: / }).selectOption("BTC"))
            yield* click(page, "button", /^Use all/)
            yield* click(page, "button", "Review the order")
            yield* heading(page, "Check before you sell")
            yield* click(page, "button", /^Sell 0\.000995\d+ BTC for/)
            yield* heading(page, "Your order is being sent")
            yield* TestSettlement.settle
            yield* heading(page, "You sold")

            yield* go(page, "/statement")
            for (const text of ["Sold BTC", "Bought BTC", "To bola", "USD to NGN", "Deposit"])
              yield* run(() => page.getByRole("listitem").getByText(text).first().waitFor())
            const conversion = page.getByRole("listitem").filter({ hasText: "USD to NGN" })
            const text = yield* run(() => conversion.innerText())
            for (const part of ["−100.00 USD", "Balance 400.00", "+152,039.49 NGN", "Balance 152,039.49"])
              assert.include(text, part)
            yield* run(() => conversion.getByRole("link").click())
            yield* click(page, "link", "Open the receipt")
            yield* see(page, /Verified in your browser/)
            yield* click(page, "button", "Verify it yourself")
            yield* run(() => page.waitForFunction("document.querySelector('#key').value.length === 64"))
            yield* click(page, "button", "Verify")
            yield* heading(page, "The receipt is valid")

            yield* click(page, "button", /account of/)
            yield* click(page, "button", "Sign out")
            yield* run(() => page.getByRole("link", { name: "Sign in", exact: true }).first().waitFor())
            yield* run(() => page.goto(`${new URL(page.url()).origin}/wallet`))
            yield* run(() => page.waitForURL("**/sign-in?next=/wallet"))
            assert.deepStrictEqual(faults, [])
          }).pipe(Effect.scoped),
        TEST_TIMEOUT
      )

      it.effect("work by keyboard alone: a conversion and a transfer", () =>
        Effect.gen(function* () {
          yield* Wallets.prices
          const { page } = yield* open("/")
          yield* signUp(page, "kemi")
          const { page: mine } = yield* open("/")
          yield* Wallets.signUpWith(mine, "femi", { USD: "500" })
          const { keyboard } = mine
          yield* go(mine, "/convert")
          yield* see(mine, "500.00 USD available")
          yield* run(() => field(mine, "You pay").focus())
          yield* run(() => keyboard.type("40"))
          yield* run(() => keyboard.press("Enter"))
          yield* see(mine, /^Rate locked/)
          yield* run(() => mine.waitForFunction("document.activeElement.tagName === 'H2'"))
          yield* run(() => keyboard.press("Tab"))
          yield* run(() => keyboard.press("Enter"))
          yield* heading(mine, "Converted")
          yield* go(mine, "/send")
          yield* see(mine, "460.00 USD available")
          yield* run(() => field(mine, "Username or wallet id").focus())
          yield* run(() => keyboard.type("kemi"))
          yield* run(() => keyboard.press("Tab"))
          yield* run(() => keyboard.type("1.5"))
          yield* run(() => keyboard.press("Enter"))
          yield* heading(mine, "Check before you send")
          yield* run(() => keyboard.press("Tab"))
          yield* run(() => keyboard.press("Enter"))
          yield* heading(mine, "kemi has the money")
        }).pipe(Effect.scoped)
      )

      it.effect("say what is wrong in plain words, and that no money moved", () =>
        Effect.gen(function* () {
          yield* Wallets.prices
          const { page: other } = yield* open("/")
          yield* signUp(other, "ngozi")
          const { faults, page } = yield* open("/")
          const client = yield* Wallets.signUpWith(page, "tunde", { USD: "9000" })
          yield* go(page, "/send?to=nobody-here")
          yield* see(page, "No user has this name")
          yield* run(() => field(page, "Username or wallet id").fill("tunde"))
          yield* see(page, "This is your own wallet")
          yield* run(() => field(page, "Username or wallet id").fill("ngozi"))
          yield* run(() => field(page, "Amount").fill("9000.01"))
          yield* click(page, "button", "Review")
          yield* see(page, "You have 9,000.00 USD available")
          yield* run(() => field(page, "Amount").fill("1.005"))
          yield* see(page, "USD has at most 2 decimals")

          // Another device spends the money between the review and the transfer.
          yield* run(() => field(page, "Amount").fill("500"))
          yield* click(page, "button", "Review")
          yield* heading(page, "Check before you send")
          yield* run(() => client.walletConversions.convert({ from: "USD", to: "NGN", amount: "8900" }))
          yield* see(page, "100.00 USD")
          yield* click(page, "button", "Send 500.00 USD to ngozi")
          yield* see(page, "You have 100.00 USD available")
          yield* see(page, "No money moved.")

          // A rule holds a new account's transfer of most of a balance for review.
          yield* run(() => client.funding.deposit({ amount: "9000" }))
          yield* click(page, "button", "Change")
          yield* run(() => field(page, "Amount").fill("9000"))
          yield* click(page, "button", "Review")
          yield* click(page, "button", "Send 9,000.00 USD to ngozi")
          yield* heading(page, "Your transfer is being checked")
          yield* see(page, "The amount is on hold")
          const id = new URL(page.url()).pathname.split("/").at(-1) ?? ""
          yield* rejectReview(id)
          yield* heading(page, "The transfer was refused")
          yield* see(page, "No money moved.")

          // A movement beyond a limit.
          yield* run(() => client.funding.deposit({ amount: "999000" }))
          yield* go(page, "/convert")
          yield* run(() => field(page, "You pay").fill("999000"))
          yield* click(page, "button", /^Lock this rate/)
          yield* click(page, "button", /^Convert 999,000\.00 USD/)
          yield* see(page, /This is over your limit\. Until .+ you can still move/)
          yield* see(page, "No money moved.")
          assert.deepStrictEqual(
            faults.filter((fault) => !isExpected(fault)),
            []
          )
        }).pipe(Effect.scoped)
      )

      it.effect("freeze the numbers of a quote, and get a new one with one press when it has expired", () =>
        Effect.gen(function* () {
          yield* Wallets.prices
          const { page } = yield* open("/")
          yield* Wallets.signUpWith(page, "sade", { USD: "500" })
          yield* run(() => page.clock.install())
          yield* go(page, "/convert?to=KES")
          yield* run(() => field(page, "You pay").fill("100"))
          yield* click(page, "button", /^Lock this rate/)
          yield* see(page, "12,809.13 KES")
          yield* RateChanges.change("USD:KES", "100")
          yield* run(() => page.clock.runFor(5000))
          yield* see(page, /^Rate locked for 2\d s$/)
          yield* see(page, "12,809.13 KES")
          yield* run(() => page.clock.runFor(26_000))
          yield* see(page, "This rate has expired. Nothing was converted.")
          assert.strictEqual(yield* run(() => page.getByRole("button", { name: /^Convert 100/ }).count()), 0)
          yield* click(page, "button", "Get a new rate")
          yield* see(page, "9,950.00 KES")
          yield* click(page, "button", "Convert 100.00 USD to 9,950.00 KES")
          yield* heading(page, "Converted")
          yield* go(page, "/convert?to=KES")
          yield* run(() => field(page, "You get about").fill("5000"))
          yield* see(page, "what you pay is rounded up")
          yield* click(page, "button", /^Lock this rate/)
          yield* click(page, "button", "Convert 50.26 USD to 5,000.00 KES")
          yield* heading(page, "Converted")
        }).pipe(Effect.scoped)
      )

      it.effect("agree in two tabs, and say since when they are offline", () =>
        Effect.gen(function* () {
          yield* Wallets.prices
          const { context, page } = yield* open("/")
          const client = yield* Wallets.signUpWith(page, "bisi", { USD: "500" })
          yield* go(page, "/wallet")
          yield* see(page, "$500")
          const second = yield* run(() => context.newPage())
          yield* go(second, "/statement?type=deposit")
          yield* see(second, "Balance 500.00")
          yield* run(() => client.funding.deposit({ amount: "1" }))
          yield* see(page, "$501")
          yield* see(second, "Balance 501.00")
          yield* run(() => context.setOffline(true))
          yield* see(page, /Offline\. What you see is as of \d\d:\d\d\./)
          yield* run(() => client.funding.deposit({ amount: "2" }))
          yield* see(page, "$501")
          yield* run(() => context.setOffline(false))
          yield* see(page, "$503")
          // No movement is shown twice.
          for (const text of ["500.00", "501.00", "503.00"])
            assert.strictEqual(yield* run(() => second.getByText(`Balance ${text}`).count()), 1, text)
          yield* see(second, "Balance 503.00")
          assert.strictEqual(yield* run(() => page.getByText(/^Offline/).count()), 0)
        }).pipe(Effect.scoped)
      )

      it.effect("move nothing when the connection is lost, and keep what was typed", () =>
        Effect.gen(function* () {
          const { context, page } = yield* open("/")
          const client = yield* Wallets.signUpWith(page, "dele", {})
          yield* go(page, "/wallet/deposit")
          yield* isLive(page)
          yield* run(() => field(page, "Amount").fill("75"))
          yield* run(() => context.setOffline(true))
          yield* click(page, "button", "Deposit 75.00 USD")
          yield* see(page, "The server could not be reached")
          assert.strictEqual(yield* run(() => field(page, "Amount").inputValue()), "75")
          yield* run(() => context.setOffline(false))
          yield* click(page, "button", "Deposit 75.00 USD")
          yield* heading(page, "Your deposit has arrived")
          assert.strictEqual((yield* run(() => client.wallet())).balance, "75.00")
        }).pipe(Effect.scoped)
      )

      it.effect("move money once when every answer is lost, and say that trying again is safe", () =>
        Effect.gen(function* () {
          const { page } = yield* open("/")
          const client = yield* Wallets.signUpWith(page, "uche", {})
          yield* go(page, "/wallet/deposit")
          yield* isLive(page)
          yield* run(() => field(page, "Amount").fill("75"))
          yield* run(() =>
            page.route("**/wallet/deposit", async (route) => {
              if (route.request().method() !== "PATCH") return route.fallback()
              await route.fetch()
              await route.abort()
            })
          )
          yield* click(page, "button", "Deposit 75.00 USD")
          yield* see(page, "It is not known yet if money moved. Trying again is safe")
          yield* run(() => page.unroute("**/wallet/deposit"))
          yield* click(page, "button", "Deposit 75.00 USD")
          yield* heading(page, "Your deposit has arrived")
          assert.strictEqual((yield* run(() => client.wallet())).balance, "75.00")
        }).pipe(Effect.scoped)
      )

      it.effect("show the markets to everybody, and ask who is there before an order", () =>
        Effect.gen(function* () {
          yield* Wallets.prices
          const { faults, page } = yield* open("/markets")
          yield* see(page, "50,000.00")
          yield* click(page, "link", /BTC/)
          yield* run(() => page.waitForURL("**/sign-in?next=/markets/BTC"))
          assert.deepStrictEqual(faults, [])
        }).pipe(Effect.scoped)
      )

      it.effect("lead to the sign-in page when the session ends elsewhere, and back", () =>
        Effect.gen(function* () {
          const { page } = yield* open("/")
          const client = yield* Wallets.signUpWith(page, "zain", { USD: "10" })
          yield* go(page, "/wallet")
          yield* see(page, "$10")
          yield* run(() => client.accounts.logoutAll())
          yield* run(() => page.waitForURL("**/sign-in?next=/wallet"))
          yield* run(() => field(page, "Username").fill("zain"))
          yield* run(() => page.getByLabel("Password", { exact: true }).fill(WebTest.PASSWORD))
          yield* click(page, "button", "Sign in")
          yield* run(() => page.waitForURL("**/wallet"))
          yield* see(page, "$10")
        }).pipe(Effect.scoped)
      )

      it.effect("show the pool of a small order as it grows, and cancel one", () =>
        Effect.gen(function* () {
          yield* Wallets.list("POOL", "crypto", "4")
          const { page } = yield* open("/")
          const client = yield* Wallets.signUpWith(page, "lola", { USD: "100" })
          yield* go(page, "/markets/POOL")
          yield* run(() => field(page, "Amount").fill("4"))
          yield* see(page, /waits in a pool .+ when the pool reaches 10\.00 USD/)
          yield* click(page, "button", "Review the order")
          yield* click(page, "button", /^Buy .+ POOL for 4\.00 USD$/)
          yield* heading(page, "Your order waits in a pool")
          yield* see(page, "4.00 USD of 10.00 USD")
          const mine = new URL(page.url()).pathname
          const small = yield* run(() => client.orders.place({ asset: "POOL", side: "buy", notional: "3" }))
          yield* see(page, "7.00 USD of 10.00 USD")
          yield* run(() => page.evaluate(`history.pushState({}, "", "/orders/${small.id}")`))
          yield* go(page, `/orders/${small.id}`)
          yield* click(page, "button", "Cancel the order")
          yield* run(() => page.getByRole("dialog").getByRole("button", { name: "Cancel the order" }).click())
          yield* heading(page, "You cancelled the order")
          yield* run(() => client.orders.place({ asset: "POOL", side: "buy", notional: "7" }))
          yield* go(page, mine)
          yield* TestSettlement.settle
          yield* heading(page, "You bought")
          yield* see(page, "Computed again in this page: all 2 shares are equal.")
          yield* go(page, "/orders?state=cancelled")
          yield* see(page, "3.00 USD")
          assert.strictEqual(yield* run(() => page.getByRole("listitem").getByRole("link").count()), 1)
        }).pipe(Effect.scoped)
      )

      it.effect("page, filter and export the statement, with the filter in the address", () =>
        Effect.gen(function* () {
          yield* Wallets.prices
          const { page } = yield* open("/")
          const client = yield* Wallets.signUpWith(page, "yemi", { USD: "500", BTC: "1" })
          for (let count = 1; count <= 32; count++)
            yield* run(() => client.funding.deposit({ asset: "KES", amount: String(count) }))
          yield* go(page, "/statement")
          yield* see(page, "+32.00 KES")
          const rows = page.locator("main").getByRole("listitem")
          assert.strictEqual(yield* run(() => rows.count()), 30)
          yield* click(page, "button", "Show earlier ones")
          yield* see(page, "+500.00 USD")
          assert.strictEqual(yield* run(() => rows.count()), 34)
          yield* run(() => page.getByLabel("Asset").selectOption("BTC"))
          yield* run(() => page.waitForURL("**/statement?asset=BTC"))
          yield* see(page, "+1.00000000 BTC")
          assert.strictEqual(yield* run(() => rows.count()), 1)
          const downloading = page.waitForEvent("download")
          yield* click(page, "button", "Export CSV")
          const download = yield* run(() => downloading)
          assert.match(download.suggestedFilename(), /^statement-\d{4}-\d{2}-\d{2}\.csv$/)
          const stream = yield* run(() => download.createReadStream())
          const csv = yield* run(() =>
            stream.toArray().then((chunks) => Buffer.concat(chunks).toString("utf8"))
          )
          assert.lengthOf(csv.trim().split("\n"), 2)
          assert.include(csv, "1.00000000")
          yield* run(() => page.getByLabel("Kind").selectOption("conversion"))
          yield* see(page, "No movement matches this filter")
          yield* click(page, "link", "Clear the filter")
          yield* see(page, "+32.00 KES")
          yield* run(() => page.getByLabel("From").fill("2020-01-01"))
          yield* run(() => page.getByLabel("To").fill("2020-12-31"))
          yield* see(page, "No movement matches this filter")
        }).pipe(Effect.scoped)
      )

      it.effect(
        "have no accessibility violation, foreign request, policy violation or console error",
        () =>
          Effect.gen(function* () {
            yield* Wallets.prices
            const { page: other } = yield* open("/")
            yield* signUp(other, "receiver")
            for (const variant of WebTest.VARIANTS) {
              const name = `${variant.screen}-${variant.colorScheme}`
              const { faults, page } = yield* open("/", variant)
              const client = yield* Wallets.signUpWith(page, `axe-${name}`, {
                USD: "6210.55",
                KES: "96340.75",
                BTC: "0.01482310"
              })
              const { conversion } = yield* run(() =>
                client.walletConversions.convert({ from: "USD", to: "NGN", amount: "1700" })
              )
              const sent = yield* run(() =>
                client.transfers.send({ to: "receiver", asset: "USD", amount: "25", note: "Dinner" })
              )
              const held = yield* run(() =>
                client.funding.withdraw({ asset: "NGN", amount: "150000", note: "sandbox:never" })
              )
              const order = yield* run(() =>
                client.orders.place({ asset: "BTC", side: "buy", notional: "50" })
              )
              yield* TestSettlement.settle
              yield* (yield* AuditSealer).sealAll
              const pooled = yield* run(() =>
                client.orders.place({ asset: "AAPL", side: "buy", notional: "3" })
              )
              const pages = {
                wallet: ["/wallet", "Recent activity"],
                deposit: ["/wallet/deposit", "Deposits and withdrawals"],
                withdraw: ["/wallet/withdraw", "Deposits and withdrawals"],
                withdrawal: [`/wallet/funding/${held.id}`, "Waiting to be paid out"],
                send: ["/send", "available"],
                transfer: [`/send/${sent.id}`, "receiver has the money"],
                convert: ["/convert", "available"],
                conversion: [`/convert/${conversion.auditId}`, "Verified in your browser"],
                statement: ["/statement", "To receiver"],
                transaction: [`/statement/${conversion.auditId}`, "Identifiers"],
                markets: ["/markets", "Bitcoin"],
                market: ["/markets/BTC", "Your price"],
                orders: ["/orders", "Completed"],
                order: [`/orders/${order.id}`, "the share is equal"],
                pooled: [`/orders/${pooled.id}`, "of 10.00 USD"]
              } as const
              for (const [id, [path, text]] of Object.entries(pages)) {
                yield* go(page, path)
                yield* run(() =>
                  page.locator("main").getByText(text).filter({ visible: true }).first().waitFor()
                )
                yield* WebTest.assertUsable(page, `${id}, ${name}`)
                yield* WebTest.screenshot(page, `${id}-${name}`)
              }
              yield* go(page, "/convert")
              yield* run(() => field(page, "You pay").fill("1,000"))
              yield* click(page, "button", /^Lock this rate/)
              yield* see(page, /^Rate locked/)
              yield* WebTest.assertUsable(page, `quote, ${name}`)
              yield* WebTest.screenshot(page, `quote-${name}`)
              yield* go(page, "/send?to=receiver")
              yield* run(() => field(page, "Amount").fill("99999"))
              yield* click(page, "button", "Review")
              yield* see(page, /Choose a smaller amount/)
              yield* WebTest.assertUsable(page, `insufficient, ${name}`)
              yield* run(() => field(page, "Amount").fill("250"))
              yield* click(page, "button", "Review")
              yield* heading(page, "Check before you send")
              yield* WebTest.assertUsable(page, `review, ${name}`)
              yield* WebTest.screenshot(page, `review-${name}`)
              yield* go(page, "/markets/AAPL")
              yield* run(() => field(page, "Amount").fill("100"))
              yield* click(page, "button", "Review the order")
              yield* heading(page, "Check before you buy")
              yield* WebTest.assertUsable(page, `order review, ${name}`)
              yield* WebTest.screenshot(page, `order-review-${name}`)
              yield* go(page, `/orders/${pooled.id}`)
              yield* click(page, "button", "Cancel the order")
              yield* run(() => page.getByRole("dialog").waitFor())
              yield* WebTest.assertUsable(page, `cancel, ${name}`)
              yield* run(() =>
                page.getByRole("dialog").getByRole("button", { name: "Cancel", exact: true }).click()
              )
              assert.deepStrictEqual(faults, [], name)
            }
          }).pipe(Effect.scoped),
        TEST_TIMEOUT
      )
    }
  )

  layer(WebTest.app({ FUNDING: "manual" }), { excludeTestServices: true, timeout: TEST_TIMEOUT })(
    "in a browser, where administrators confirm payments",
    (it) => {
      it.effect("say how to pay, and show the decision when it is made", () =>
        Effect.gen(function* () {
          const { page } = yield* open("/", PHONE)
          const client = yield* Wallets.signUpWith(page, "amina", {})
          yield* go(page, "/wallet/deposit")
          yield* see(page, "You then get a reference for your payment")
          yield* run(() => field(page, "Amount").fill("120.50"))
          yield* click(page, "button", "Deposit 120.50 USD")
          yield* heading(page, "Waiting for your payment")
          yield* heading(page, "How to pay")
          yield* WebTest.assertUsable(page, "manual deposit")
          yield* WebTest.screenshot(page, "manual-deposit-phone-dark")
          const id = new URL(page.url()).pathname.split("/").at(-1) ?? ""
          const { admin } = yield* administrator
          yield* run(() => admin.funding.confirm(id, { reference: "BANK-1" }))
          yield* heading(page, "Your deposit has arrived")
          yield* see(page, "BANK-1")

          yield* go(page, "/wallet/withdraw")
          yield* run(() => field(page, "Amount").fill("20"))
          yield* click(page, "button", "Withdraw 20.00 USD")
          yield* heading(page, "Waiting to be paid out")
          const [pending] = (yield* run(() => client.funding.list({ state: "pending" }).page())).data
          yield* run(() => admin.funding.refuse(pending?.id ?? "", { reason: "The account is closed" }))
          yield* heading(page, "The withdrawal failed")
          yield* see(page, "The account is closed")
          assert.strictEqual((yield* run(() => client.wallet())).balance, "120.50")
        }).pipe(Effect.scoped)
      )
    }
  )
})

/** A client with a key of an administrator. */
const administrator = Effect.gen(function* () {
  const { url } = yield* TestServer
  const { authorization } = yield* Callers.withScopes("admin")
  return connectAdmin(url, { apiKey: (authorization ?? "").replace("Bearer ", "") })
})

/** Rejects the review of a transfer. */
const rejectReview = Effect.fnUntraced(function* (transferId: string) {
  const { admin } = yield* administrator
  const { data } = yield* run(() => admin.reviews.list({ state: "pending" }).page())
  const review = data.find(({ id, transferId: transfer }) => transfer === transferId || id === transferId)
  assert.isDefined(review)
  yield* run(() => admin.reviews.reject(review?.id ?? "", { reason: "Not the customer" }))
})
