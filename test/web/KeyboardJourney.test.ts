import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { generateSync } from "otplib"
import type { Page } from "playwright-core"
import * as Chromium from "../support/Chromium.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as Keyboard from "./support/Keyboard.ts"
import * as PageActions from "./support/PageActions.ts"
import * as Qr from "./support/Qr.ts"
import * as Wallets from "./support/Wallets.ts"
import * as WebTest from "./support/WebTest.ts"

const { go, open, PASSWORD, run, signUp, TEST_TIMEOUT } = WebTest
const { field, heading, isExpected, see } = PageActions
const { press, tabTo, type } = Keyboard

const PHONE = { screen: "phone", colorScheme: "light" } as const

const password = (page: Page) => page.getByLabel("Password", { exact: true })

describe.skipIf(!Chromium.isAvailable)("Without a mouse, on a phone's width", () => {
  layer(WebTest.app({ FUNDING: "sandbox", ORDER_MAX_PRICE_AGE: "1 hour" }), {
    excludeTestServices: true,
    timeout: TEST_TIMEOUT
  })("in a browser", (it) => {
    it.effect(
      "a user signs up, deposits, converts, sends, buys, reads the statement, secures the account and signs out",
      () =>
        Effect.gen(function* () {
          yield* Wallets.prices
          const { page: other } = yield* open("/")
          yield* signUp(other, "bola")
          const { faults, page } = yield* open("/", PHONE)
          const { keyboard } = page
          const enter = run(() => keyboard.press("Enter"))

          yield* press(page, "link", "Sign in")
          yield* heading(page, "Sign in")
          yield* press(page, "link", "Create an account")
          yield* heading(page, "Create an account")
          yield* type(page, field(page, "Username"), "amara")
          yield* type(page, password(page), PASSWORD)
          yield* enter
          yield* run(() => page.waitForURL("**/wallet"))

          yield* press(page, "link", "Make a deposit")
          yield* press(page, "button", "500")
          yield* press(page, "button", "Deposit 500.00 USD")
          yield* heading(page, "Your deposit has arrived")
          yield* press(page, "link", "Go to the wallet")
          yield* see(page, "$500")

          yield* press(page, "link", "Convert")
          yield* type(page, field(page, "You pay"), "100")
          yield* press(page, "button", "Lock this rate for 30 seconds")
          yield* see(page, /^Rate locked/)
          yield* press(page, "button", "Convert 100.00 USD to 152,039.49 NGN")
          yield* heading(page, "Converted")

          yield* press(page, "link", "Send")
          yield* type(page, field(page, "Username or wallet id"), "bola")
          yield* type(page, field(page, "Amount"), "25")
          yield* type(page, field(page, "Note"), "Dinner")
          yield* press(page, "button", "Review")
          yield* heading(page, "Check before you send")
          yield* press(page, "button", "Send 25.00 USD to bola")
          yield* heading(page, "bola has the money")

          yield* press(page, "link", "Markets")
          yield* press(page, "link", /^BTC/)
          yield* heading(page, "Bitcoin")
          yield* press(page, "button", "Buy or sell")
          yield* tabTo(page, page.getByRole("radio", { name: "Buy" }))
          yield* run(() => keyboard.press("ArrowRight"))
          yield* run(() => keyboard.press("ArrowLeft"))
          yield* type(page, field(page, "Amount"), "50")
          yield* press(page, "button", "Review the order")
          yield* heading(page, "Check before you buy")
          yield* press(page, "button", /^Buy .+ BTC for 50\.00 USD$/)
          yield* heading(page, "Your order is being sent")
          yield* TestSettlement.settle
          yield* heading(page, "You bought")

          yield* press(page, "button", /account of/)
          yield* press(page, "link", "Statement")
          yield* see(page, "Bought BTC")
          yield* tabTo(page, page.locator("summary"))
          yield* enter
          yield* tabTo(page, page.getByLabel("Asset"))
          yield* run(() => keyboard.type("NGN"))
          yield* run(() => page.waitForURL("**/statement?asset=NGN"))
          yield* press(page, "link", /\+152,039\.49 NGN/)
          yield* heading(page, "USD to NGN")

          yield* press(page, "button", /account of/)
          yield* press(page, "link", "Security")
          yield* press(page, "button", "Set up")
          yield* type(page, password(page), PASSWORD)
          yield* enter
          const code = page.getByRole("img", { name: "QR code" })
          yield* run(() => code.waitFor())
          const secret = new URL(yield* Qr.read(code)).searchParams.get("secret") ?? ""
          yield* type(page, page.getByLabel("Code that the app shows"), generateSync({ secret }))
          yield* enter
          yield* heading(page, "Keep your recovery codes")
          yield* tabTo(page, page.getByLabel("I have kept the codes"))
          yield* run(() => keyboard.press("Space"))
          yield* press(page, "button", "Done")
          yield* see(page, "10 recovery codes are left")

          yield* press(page, "button", /account of/)
          yield* press(page, "button", "Sign out")
          yield* run(() => page.getByRole("link", { name: "Sign in", exact: true }).waitFor())
          assert.deepStrictEqual(faults, [])
        }).pipe(Effect.scoped),
      TEST_TIMEOUT
    )

    it.effect(
      "an administrator locks a user",
      () =>
        Effect.gen(function* () {
          const { page: other } = yield* open("/")
          yield* signUp(other, "victim")
          const { faults, page } = yield* open("/", PHONE)
          yield* signUp(page, "guardian", "admin")
          yield* go(page, "/admin")
          yield* press(page, "button", /Overview/)
          yield* press(page, "link", "Users")
          yield* heading(page, "Users")
          yield* press(page, "link", "victim")
          yield* heading(page, "victim")
          yield* press(page, "button", "Lock…")
          const dialog = page.getByRole("dialog")
          yield* run(() => dialog.waitFor())
          yield* run(() => page.waitForFunction("document.activeElement.tagName === 'TEXTAREA'"))
          yield* run(() => page.keyboard.type("Stolen laptop"))
          yield* tabTo(page, dialog.getByRole("button", { name: "Lock" }))
          yield* run(() => page.keyboard.press("Enter"))
          yield* see(page, "victim is locked")
          yield* run(() => dialog.waitFor({ state: "detached" }))
          assert.isEmpty(faults.filter((fault) => !isExpected(fault)))
        }).pipe(Effect.scoped),
      TEST_TIMEOUT
    )
  })
})
