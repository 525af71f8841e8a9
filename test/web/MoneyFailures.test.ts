import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Chromium from "../support/Chromium.ts"
import * as RateChanges from "../support/RateChanges.ts"
import * as PageActions from "./support/PageActions.ts"
import * as Wallets from "./support/Wallets.ts"
import * as WebTest from "./support/WebTest.ts"

const { go, open, run, signUp, TEST_TIMEOUT } = WebTest
const { click, field, heading, see } = PageActions

describe.skipIf(!Chromium.isAvailable)("The money pages, when something fails", () => {
  layer(WebTest.app({ FUNDING: "sandbox", ORDER_MAX_PRICE_AGE: "1 hour" }), {
    excludeTestServices: true,
    timeout: TEST_TIMEOUT
  })("in a browser", (it) => {
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
          faults.filter((fault) => !PageActions.isExpected(fault)),
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
        yield* see(second, "Balance 503.00")
        // No movement is shown twice.
        for (const text of ["500.00", "501.00", "503.00"])
          assert.strictEqual(yield* run(() => second.getByText(`Balance ${text}`).count()), 1, text)
        assert.strictEqual(yield* run(() => page.getByText(/^Offline/).count()), 0)
      }).pipe(Effect.scoped)
    )

    it.effect("move nothing when the connection is lost, and keep what was typed", () =>
      Effect.gen(function* () {
        const { context, page } = yield* open("/")
        const client = yield* Wallets.signUpWith(page, "dele", {})
        yield* go(page, "/wallet/deposit")
        yield* run(() => page.getByRole("status").filter({ hasText: "Live" }).waitFor())
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
        yield* run(() => page.getByRole("status").filter({ hasText: "Live" }).waitFor())
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
  })
})

/** Rejects the review of a transfer. */
const rejectReview = Effect.fnUntraced(function* (transferId: string) {
  const { admin } = yield* Wallets.administrator
  const { data } = yield* run(() => admin.reviews.list({ state: "pending" }).page())
  const review = data.find(({ id, transferId: transfer }) => transfer === transferId || id === transferId)
  assert.isDefined(review)
  yield* run(() => admin.reviews.reject(review?.id ?? "", { reason: "Not the customer" }))
})
