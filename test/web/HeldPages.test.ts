import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Chromium from "../support/Chromium.ts"
import * as TestRisk from "../support/TestRisk.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as PageActions from "./support/PageActions.ts"
import * as Wallets from "./support/Wallets.ts"
import * as WebTest from "./support/WebTest.ts"

const { go, open, run, screenshot, TEST_TIMEOUT } = WebTest
const { click, field, heading, see } = PageActions

/** Decides on a movement as an administrator. */
const decide = Effect.fnUntraced(function* (how: "approve" | "reject", id: string) {
  const { admin } = yield* Wallets.administrator
  yield* run(() => admin.reviews[how](id, { reason: "Called the customer" }))
})

/** Prices, and a rule that holds movements of more than 10 US dollars in an hour for review. */
const hold = Effect.andThen(
  Wallets.prices,
  TestRisk.changeRules(({ velocity }) => ({ velocity: { ...velocity, outcome: "review" } }))
)

describe.skipIf(!Chromium.isAvailable)("What is held for review, in the web app", () => {
  layer(WebTest.app({ FUNDING: "sandbox", ORDER_MAX_PRICE_AGE: "1 hour", RISK_HOUR_VALUE: "10" }), {
    excludeTestServices: true,
    timeout: TEST_TIMEOUT
  })("in a browser", (it) => {
    it.effect("a conversion: its user cancels one, and an approved one shows the conversion", () =>
      Effect.gen(function* () {
        yield* hold
        const { faults, page } = yield* open("/", { screen: "phone", colorScheme: "dark" })
        yield* Wallets.signUpWith(page, "halima", { USD: "500" })
        const convert = Effect.gen(function* () {
          yield* go(page, "/convert?to=NGN")
          yield* run(() => field(page, "You pay").fill("100"))
          yield* click(page, "button", /^Lock this rate/)
          yield* click(page, "button", /^Convert 100\.00 USD/)
          yield* heading(page, "Your conversion is being checked")
          return new URL(page.url()).pathname.split("/").at(-2) ?? ""
        })
        yield* convert
        yield* WebTest.assertUsable(page, "a held conversion")
        yield* screenshot(page, "held-conversion-phone-dark")
        yield* click(page, "button", "Cancel the conversion")
        yield* see(page, "Cancel this conversion?")
        yield* screenshot(page, "held-conversion-cancel-phone-dark")
        yield* run(() =>
          page.getByRole("dialog").getByRole("button", { name: "Cancel the conversion" }).click()
        )
        yield* heading(page, "You cancelled the conversion")
        yield* go(page, "/wallet")
        yield* see(page, "$500")
        assert.strictEqual(yield* run(() => page.getByText("on hold").count()), 0)

        yield* decide("approve", yield* convert)
        yield* heading(page, "Converted")
        assert.deepStrictEqual(
          faults.filter((fault) => !PageActions.isExpected(fault)),
          []
        )
      }).pipe(Effect.scoped)
    )

    it.effect("an order: an approved one is bought, a refused one gives everything back", () =>
      Effect.gen(function* () {
        yield* hold
        const { faults, page } = yield* open("/")
        const client = yield* Wallets.signUpWith(page, "kofi", { USD: "500" })
        const place = Effect.gen(function* () {
          const { id } = yield* run(() => client.orders.place({ asset: "BTC", side: "buy", notional: "100" }))
          yield* go(page, `/orders/${id}`)
          yield* heading(page, "Your order is being checked")
          return id
        })
        const approved = yield* place
        yield* WebTest.assertUsable(page, "a held order")
        yield* screenshot(page, "held-order-desktop-light")
        yield* decide("approve", approved)
        yield* TestSettlement.settle
        yield* heading(page, "You bought")

        const refused = yield* place
        yield* decide("reject", refused)
        yield* heading(page, "The order failed")
        yield* see(page, "An administrator refused it. Everything was given back.")
        yield* screenshot(page, "held-order-refused-desktop-light")
        assert.deepStrictEqual(
          faults.filter((fault) => !PageActions.isExpected(fault)),
          []
        )
      }).pipe(Effect.scoped)
    )
  })
})
