import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import * as Chromium from "../support/Chromium.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as PageActions from "./support/PageActions.ts"
import * as Wallets from "./support/Wallets.ts"
import * as WebTest from "./support/WebTest.ts"

const { go, open, run, signUp, TEST_TIMEOUT } = WebTest
const { click, field, heading, see } = PageActions

const PHONE = { screen: "phone", colorScheme: "dark" } as const

describe.skipIf(!Chromium.isAvailable)("The money pages", () => {
  layer(WebTest.app({ FUNDING: "sandbox", ORDER_MAX_PRICE_AGE: "1 hour" }), {
    excludeTestServices: true,
    timeout: TEST_TIMEOUT
  })("in a browser, with the sandbox", (it) => {
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
        // Printing loads the rest first, and paper has no navigation.
        yield* go(page, "/statement")
        yield* run(() => page.evaluate("globalThis.print = () => (globalThis.isPrinted = true)"))
        yield* click(page, "button", "Print")
        yield* run(() => page.waitForFunction("globalThis.isPrinted"))
        assert.strictEqual(yield* run(() => rows.count()), 34)
        yield* run(() => page.emulateMedia({ media: "print" }))
        yield* see(page, "Statement of yemi, printed")
        assert.isFalse(yield* run(() => page.getByRole("link", { name: "effex" }).isVisible()))
        yield* run(() => page.emulateMedia({ media: "screen" }))
        yield* run(() => page.getByLabel("Asset").selectOption("BTC"))
        yield* run(() => page.waitForURL("**/statement?asset=BTC"))
        yield* see(page, "+1 BTC")
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

    for (const variant of WebTest.VARIANTS) {
      const name = `${variant.screen}-${variant.colorScheme}`
      it.effect(
        `have no accessibility violation, foreign request, policy violation or console error, ${name}`,
        () =>
          Effect.gen(function* () {
            yield* Wallets.prices
            const receiver = `receiver-${name}`
            const { page: other } = yield* open("/")
            yield* signUp(other, receiver)
            const { faults, page } = yield* open("/", variant)
            const client = yield* Wallets.signUpWith(page, `axe-${name}`, {
              USD: "6210.55",
              KES: "96340.75",
              BTC: "0.01482310"
            })
            const converted = yield* run(() =>
              client.walletConversions.convert({ from: "USD", to: "NGN", amount: "1700" })
            )
            assert(converted.state === "completed")
            const { conversion } = converted
            const sent = yield* run(() =>
              client.transfers.send({ to: receiver, asset: "USD", amount: "25", note: "Dinner" })
            )
            const held = yield* run(() =>
              client.funding.withdraw({ asset: "NGN", amount: "150000", note: "sandbox:never" })
            )
            const order = yield* run(() => client.orders.place({ asset: "BTC", side: "buy", notional: "50" }))
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
              transfer: [`/send/${sent.id}`, "has the money"],
              convert: ["/convert", "available"],
              conversion: [`/convert/${conversion.auditId}`, "Verified in your browser"],
              statement: ["/statement", "To receiver"],
              transaction: [`/statement/${conversion.auditId}`, "Identifiers"],
              markets: ["/markets", "You have"],
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
            yield* go(page, `/send?to=${receiver}`)
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
              page.getByRole("dialog").getByRole("button", { name: "Back", exact: true }).click()
            )
            assert.deepStrictEqual(faults, [], name)
          }).pipe(Effect.scoped),
        TEST_TIMEOUT
      )
    }
  })

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
          const { admin } = yield* Wallets.administrator
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
