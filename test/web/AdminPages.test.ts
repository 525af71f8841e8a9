import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import { Conversions } from "../../src/conversion/Conversions.ts"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as RateFollower from "../../src/rates/feed/RateFollower.ts"
import * as Chromium from "../support/Chromium.ts"
import { conversionRequest } from "../support/ConversionRequests.ts"
import { get, TestServer } from "../support/TestServer.ts"
import { ScriptedExchange } from "../support/ScriptedExchange.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as WalletUsers from "../support/WalletUsers.ts"
import * as AdminData from "./support/AdminData.ts"
import * as WebTest from "./support/WebTest.ts"

const { go, open, run, signIn, signUp, TEST_TIMEOUT } = WebTest

const PAGES = [
  "rates",
  "poller",
  "conversions",
  "users",
  "ledger",
  "funding",
  "orders",
  "reviews",
  "keys",
  "assets",
  "settings",
  "actions"
] as const

/** With the guard, so that a rate can be quarantined. */
const app = Layer.merge(
  RateFollower.layer.pipe(
    Layer.provideMerge(
      TestServer.layer(
        {
          WEB: "on",
          FUNDING: "manual",
          LEDGER_ADJUSTMENT_LIMIT: "10",
          RISK_REVIEW_VALUE: "100",
          RISK_BALANCE_SHARE: "0.2",
          RISK_DAY_VALUE: "100000",
          RISK_HOUR_VALUE: "100000",
          ORDER_SPREAD: "0"
        },
        { isGuarded: true }
      )
    )
  ),
  WebTest.TestBrowser.layer
)

/** Opens the area as a new administrator. */
const openAs = Effect.fnUntraced(function* (
  username: string,
  path = "/admin",
  options: Parameters<typeof open>[1] = { screen: "desktop", colorScheme: "light" }
) {
  const observed = yield* open("/verify", options)
  yield* signUp(observed.page, username, "admin")
  yield* go(observed.page, path)
  return observed
})

const dialog = (page: Page) => page.getByRole("dialog")
const click = (page: Page, name: string | RegExp) =>
  run(() => page.getByRole("button", { name }).first().click())
const announced = (page: Page, text: string) =>
  run(() => page.getByRole("status").filter({ hasText: text }).waitFor())

/** Gives a reason in the open dialog, and types what it asks for. */
const confirm = Effect.fnUntraced(function* (page: Page, button: string, reason: string, typed?: string) {
  yield* run(() => dialog(page).getByRole("textbox").first().fill(reason))
  if (typed !== undefined)
    yield* run(() =>
      dialog(page)
        .getByLabel(/^Type /)
        .fill(typed)
    )
  const name = button.replace("…", "")
  yield* run(() => dialog(page).getByRole("button", { name, exact: true }).click())
  yield* run(() => dialog(page).waitFor({ state: "hidden" }))
})

/** Waits until everything of the page is loaded. */
const isSettled = (page: Page) =>
  run(() => page.locator(".content").getByText("Loading…").first().waitFor({ state: "detached" }))

describe.skipIf(!Chromium.isAvailable)("The admin area", () => {
  layer(app, { excludeTestServices: true, timeout: TEST_TIMEOUT })("in a browser", (it) => {
    it.effect("says what is wrong with the way to it, and is not found by users", () =>
      Effect.gen(function* () {
        yield* AdminData.poll("NGN", "1528.0351515")
        const { page } = yield* openAs("calm-admin")
        yield* isSettled(page)
        const concern = page
          .getByRole("listitem")
          .filter({ hasText: /Warning: Only \d+ of \d+ pairs have a rate/ })
        yield* run(() => concern.getByRole("link", { name: "Look at it" }).click())
        yield* run(() => page.getByRole("heading", { level: 1, name: "Schedule of the poller" }).waitFor())
        const stranger = yield* open("/verify")
        yield* signUp(stranger.page, "stranger")
        yield* go(stranger.page, "/admin/users")
        yield* run(() => stranger.page.getByRole("heading", { level: 1, name: "Page not found" }).waitFor())
        assert.strictEqual(
          yield* run(() => stranger.page.getByRole("navigation", { name: "Administration" }).count()),
          0
        )
      }).pipe(Effect.scoped)
    )

    it.effect("accepts a quarantined rate, which then is the rate of the pair", () =>
      Effect.gen(function* () {
        yield* AdminData.quarantine("ZMW", "23.1111", "35.5")
        const { page } = yield* openAs("rate-admin", "/admin/rates")
        const item = page.getByRole("article").filter({ hasText: "USD to ZMW" })
        yield* run(() => item.getByText("Jump over 20%").waitFor())
        yield* run(() => item.getByText("+53.6%").waitFor())
        yield* run(() => item.getByRole("button", { name: "Accept…" }).click())
        yield* run(() => dialog(page).getByRole("button", { name: "Accept the rate" }).click())
        yield* run(() => dialog(page).getByText("Reason is missing.").waitFor())
        yield* run(() => dialog(page).getByText("Type USD/ZMW exactly.").waitFor())
        yield* confirm(page, "Accept the rate", "Devalued today, see the central bank", "USD/ZMW")
        yield* announced(page, "USD to ZMW: the rate was accepted")
        assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=ZMW")).json["rate"], "35.5")
        const rates = page.getByRole("row").filter({ hasText: "USD/ZMW" })
        yield* run(() => rates.filter({ hasText: "35.5000" }).waitFor())
        yield* go(page, "/admin/actions")
        const row = page.getByRole("row").filter({ hasText: "quarantine.accept" })
        yield* run(() => row.getByText("Devalued today, see the central bank").waitFor())
        yield* run(() => row.getByRole("link", { name: "rate-admin" }).waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("keeps a quarantined rate out, and returns the focus to the page", () =>
      Effect.gen(function* () {
        yield* AdminData.quarantine("UGX", "3700", "5900")
        const { page } = yield* openAs("careful-admin", "/admin/rates")
        const item = page.getByRole("article").filter({ hasText: "USD to UGX" })
        const button = item.getByRole("button", { name: "Keep out" })
        yield* run(() => button.click())
        yield* run(() => page.keyboard.press("Escape"))
        yield* run(() => dialog(page).waitFor({ state: "hidden" }))
        assert.strictEqual(
          yield* run(() => page.evaluate("document.activeElement.textContent.trim()")),
          "Keep out"
        )
        yield* run(() => button.click())
        yield* confirm(page, "Keep out", "A slipped decimal point")
        yield* announced(page, "USD to UGX: the rate was rejected")
        yield* run(() => item.waitFor({ state: "detached" }))
        assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=UGX")).json["rate"], "3700")
      }).pipe(Effect.scoped)
    )

    it.effect("locks a user, whose other page is signed out, and gives and takes a role", () =>
      Effect.gen(function* () {
        const victim = yield* open("/verify")
        yield* signUp(victim.page, "victim")
        yield* go(victim.page, "/account")
        const { page } = yield* openAs("user-admin", "/admin/users")
        yield* run(() => page.getByLabel(/^Beginning of the name/).fill("VICT"))
        yield* click(page, "Find")
        yield* run(() => page.getByRole("link", { name: "stranger" }).waitFor({ state: "detached" }))
        yield* run(() => page.getByRole("link", { name: "victim" }).click())
        yield* run(() => page.getByRole("heading", { level: 1, name: "victim" }).waitFor())
        yield* click(page, "Lock…")
        yield* confirm(page, "Lock…", "Stolen laptop, ticket 81")
        yield* announced(page, "victim is locked")
        yield* run(() => page.getByText("user.lock").first().waitFor())
        yield* go(victim.page, "/account")
        yield* run(() => victim.page.waitForURL(/\/sign-in/))

        yield* click(page, "Unlock…")
        yield* confirm(page, "Unlock…", "Laptop found")
        yield* announced(page, "victim is unlocked")
        yield* click(page, "Make administrator…")
        yield* confirm(page, "Make administrator…", "Deputy of Ada", "victim")
        yield* announced(page, "victim: Administrator")
        yield* signIn(victim.page, "victim")
        yield* go(victim.page, "/admin/users")
        yield* run(() => victim.page.getByRole("navigation", { name: "Administration" }).waitFor())
        yield* click(page, "Remove administrator…")
        yield* confirm(page, "Remove administrator…", "Deputy no more")
        yield* announced(page, "victim: User")
        yield* click(page, "Reset MFA…")
        yield* confirm(page, "Reset MFA…", "Lost phone", "victim")
        yield* click(page, "End sessions…")
        yield* confirm(page, "End sessions…", "Suspicious sign-in")
        yield* announced(page, "The sessions of victim have ended")
      }).pipe(Effect.scoped)
    )

    it.effect("confirms and refuses deposits, and the money arrives once", () =>
      Effect.gen(function* () {
        const payer = yield* WalletUsers.create("payer")
        yield* AdminData.requestDeposit(payer, "250.00")
        yield* AdminData.requestDeposit(payer, "99.00")
        const { page } = yield* openAs("fund-admin", "/admin/funding")
        const row = (amount: string) => page.getByRole("row").filter({ hasText: `${amount} USD` })
        yield* run(() =>
          row("250.00")
            .getByRole("button", { name: /^Confirm/ })
            .click()
        )
        yield* confirm(page, "Confirm…", "BANK-2026-11-30-17")
        yield* announced(page, "250.00 USD of payer: confirmed")
        assert.deepStrictEqual(yield* payer.balances, ["USD 250"])
        yield* run(() =>
          row("99.00")
            .getByRole("button", { name: /^Refuse/ })
            .click()
        )
        yield* confirm(page, "Refuse…", "No payment arrived")
        yield* announced(page, "99.00 USD of payer: refused")
        yield* run(() => page.getByText("No deposit and no withdrawal is pending.").waitFor())
        yield* run(() => page.getByRole("radio", { name: "Completed" }).check())
        yield* run(() => page.getByText("BANK-2026-11-30-17").waitFor())
        assert.deepStrictEqual(yield* payer.balances, ["USD 250"])
      }).pipe(Effect.scoped)
    )

    it.effect("approves and rejects held movements, and changes a rule", () =>
      Effect.gen(function* () {
        const sender = yield* WalletUsers.create("sender", { USD: "800" })
        const receiver = yield* WalletUsers.create("receiver")
        yield* AdminData.sendHeld(sender, "receiver", "500")
        yield* AdminData.sendHeld(sender, "receiver", "250")
        const { page } = yield* openAs("risk-admin", "/admin/reviews")
        const held = (amount: string) => page.getByRole("article").filter({ hasText: amount })
        yield* run(() => held("500.00 USD").getByRole("button", { name: "Approve…" }).click())
        yield* confirm(page, "Approve…", "Called the sender")
        yield* announced(page, "500.00 USD: approved")
        assert.deepStrictEqual(yield* receiver.balances, ["USD 500"])
        yield* run(() => held("250.00 USD").getByRole("button", { name: "Reject…" }).click())
        yield* confirm(page, "Reject…", "The sender knows nothing of it")
        yield* announced(page, "250.00 USD: rejected")
        yield* run(() => page.getByText("No movement is held.").waitFor())
        assert.deepStrictEqual(yield* receiver.balances, ["USD 500"])

        yield* click(page, "Edit…")
        yield* run(() => page.getByLabel("per hour", { exact: true }).first().fill("77"))
        yield* WebTest.assertUsable(page, "edited rules")
        yield* click(page, "Save the rules…")
        yield* run(() =>
          dialog(page)
            .getByText(/per hour: \d+ becomes 77/)
            .waitFor()
        )
        yield* confirm(page, "Save the rules…", "Holiday season")
        yield* announced(page, "The rules were changed")
        yield* click(page, "Use the settings again")
        yield* confirm(page, "Use the settings again", "Season over")
        yield* run(() => page.getByText("From the settings RISK_*.").waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("creates an API key, shows it once, and revokes it", () =>
      Effect.gen(function* () {
        const { page } = yield* openAs("key-admin", "/admin/keys")
        yield* click(page, "New key")
        yield* click(page, "Create the key…")
        yield* run(() => page.getByText("Type a name.").waitFor())
        yield* run(() => page.getByText("Choose at least one.").waitFor())
        yield* WebTest.assertUsable(page, "new key")
        yield* run(() => page.getByRole("textbox", { name: "Name" }).fill("shop"))
        yield* run(() => page.getByRole("checkbox", { name: /^admin/ }).check())
        yield* click(page, "Create the key…")
        yield* confirm(page, "Create the key…", "New shop, ticket 97")
        const secret = page.getByRole("status").locator("code")
        const key = yield* run(() => secret.innerText())
        assert.match(key, /^efx_test_/)
        const use = get("/api/v1/admin/keys", { headers: { authorization: `Bearer ${key}` } })
        assert.strictEqual((yield* use).status, 200)
        yield* click(page, "I have stored it")
        yield* run(() => secret.waitFor({ state: "detached" }))
        yield* click(page, "Revoke… the key of shop")
        yield* confirm(page, "Revoke…", "The shop was closed")
        yield* announced(page, "The key of shop was revoked")
        const row = page.getByRole("row").filter({ hasText: "shop" })
        yield* run(() => row.getByText("revoked").waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect(
      "says what a schedule costs before it changes, and keeps what another administrator changed",
      () =>
        Effect.gen(function* () {
          const { page } = yield* openAs("poll-admin", "/admin/poller")
          yield* run(() => page.getByLabel("Every").fill("5"))
          yield* run(() => page.getByText("190,080 more in 30 days than now").waitFor())
          yield* click(page, "Change…")
          yield* run(() =>
            dialog(page)
              .getByText(/All nodes poll every 5 minutes/)
              .waitFor()
          )
          yield* confirm(page, "Change the schedule", "Month end")
          yield* announced(page, "The schedule was changed")
          yield* run(() => page.getByText("set by an administrator").waitFor())
          const { execute, sql } = yield* Database
          yield* execute(sql`UPDATE setting SET version = version + 1 WHERE name = 'poller'`)
          yield* run(() => page.getByLabel("Every").fill("7"))
          yield* click(page, "Change…")
          yield* run(() => dialog(page).getByRole("textbox").fill("Too late"))
          yield* run(() => dialog(page).getByRole("button", { name: "Change the schedule" }).click())
          yield* run(() =>
            dialog(page)
              .getByRole("alert")
              .getByText(/version/)
              .waitFor()
          )
        }).pipe(Effect.scoped)
    )

    it.effect(
      "shows the trial balance in one line, and needs two administrators for a large adjustment",
      () =>
        Effect.gen(function* () {
          const owner = yield* WalletUsers.create("owner", { USD: "60" })
          const first = yield* openAs("ledger-one", "/admin/ledger")
          yield* run(() => first.page.getByText(/^In balance:/).waitFor())
          yield* click(first.page, "Verify everything")
          yield* announced(first.page, "fit together")
          const { execute, sql } = yield* Database
          const [account] = yield* execute(
            sql<{
              id: string
            }>`SELECT id::text FROM ledger_account WHERE owner = ${owner.wallet.id} AND asset = 'USD'`
          )
          const id = account?.id ?? ""
          yield* go(first.page, `/admin/ledger/accounts/${id}`)
          yield* click(first.page, "Adjust…")
          yield* run(() => dialog(first.page).getByLabel("Change of the balance").fill("-25"))
          yield* run(() => dialog(first.page).getByLabel("Reason").fill("Paid twice"))
          yield* run(() => dialog(first.page).getByRole("button", { name: "Adjust", exact: true }).click())
          yield* announced(first.page, "waits for another administrator")
          yield* go(first.page, "/admin/ledger")
          yield* run(() => first.page.getByText("Another administrator decides").waitFor())
          const second = yield* openAs("ledger-two", "/admin/ledger")
          yield* click(second.page, "Approve…")
          yield* confirm(second.page, "Approve…", "Seen in the bank statement")
          yield* announced(second.page, "The adjustment was posted")
          assert.deepStrictEqual(yield* owner.balances, ["USD 35"])
          yield* go(first.page, `/admin/ledger/accounts/${id}`)
          yield* click(first.page, "Freeze…")
          yield* confirm(first.page, "Freeze…", "Investigation")
          yield* announced(first.page, "The account is frozen")
          yield* WebTest.assertUsable(first.page, "account")
          yield* run(() =>
            first.page
              .getByRole("link", { name: /^Open transfer/ })
              .first()
              .click()
          )
          yield* run(() => first.page.getByRole("heading", { level: 1, name: "Transfer" }).waitFor())
          yield* isSettled(first.page)
          yield* WebTest.assertUsable(first.page, "transfer")
        }).pipe(Effect.scoped)
    )

    it.effect("retries a batch that was given up", () =>
      Effect.gen(function* () {
        yield* AdminData.listAsset("DEAD")
        const exchange = yield* ScriptedExchange
        yield* exchange.always({ does: "lose-request" })
        const buyer = yield* WalletUsers.create("buyer", { USD: "100" })
        const placed = yield* buyer.post("/api/v1/orders", { asset: "DEAD", side: "buy", amount: "3" })
        assert.strictEqual(placed.status, 201, placed.text)
        yield* TestSettlement.settle
        const { execute, sql } = yield* Database
        yield* execute(sql`UPDATE settlement_batch SET failures = 20, dead_at = now() WHERE asset = 'DEAD'`)
        const { page } = yield* openAs("order-admin", "/admin")
        yield* run(() => page.getByText("1 batch of orders was given up").waitFor())
        yield* run(() => page.getByRole("link", { name: "Retry" }).click())
        yield* run(() => page.getByText("given up after 20 failures").waitFor())
        yield* exchange.always({ does: "fill", price: "4" })
        yield* click(page, "Retry…")
        yield* confirm(page, "Retry…", "The exchange is up again")
        yield* announced(page, "The batch is retried")
        yield* run(() => page.getByText("No batch was given up.").waitFor())
        yield* TestSettlement.settle
        yield* run(() => page.getByRole("radio", { name: "All" }).check())
        yield* run(() => page.getByRole("link", { name: /^Buy DEAD/ }).click())
        yield* run(() => page.getByRole("heading", { name: "History" }).waitFor())
        yield* WebTest.assertUsable(page, "batch")
        assert.deepStrictEqual(yield* buyer.balances, ["DEAD 3", "USD 88"])
      }).pipe(Effect.scoped)
    )

    it.effect("lists, changes and delists an asset", () =>
      Effect.gen(function* () {
        const { page } = yield* openAs("asset-admin", "/admin/assets")
        yield* click(page, "List an asset")
        yield* run(() => page.getByLabel("Code").fill("doge"))
        yield* run(() => page.getByLabel("Name").fill("Dogecoin"))
        yield* click(page, "Save…")
        yield* confirm(page, "Save…", "Users asked for it")
        yield* announced(page, "DOGE was saved")
        yield* click(page, "Edit DOGE")
        yield* run(() => page.getByRole("heading", { name: "Change DOGE" }).waitFor())
        yield* WebTest.assertUsable(page, "changed asset")
        yield* run(() => page.getByLabel("Name").fill("Dogecoin (meme)"))
        yield* click(page, "Save…")
        yield* confirm(page, "Save…", "Say what it is")
        yield* run(() => page.getByRole("cell", { name: "Dogecoin (meme)" }).waitFor())
        yield* click(page, "Delist… DOGE")
        yield* confirm(page, "Delist…", "No longer offered", "DOGE")
        yield* announced(page, "DOGE was delisted")
      }).pipe(Effect.scoped)
    )

    it.effect("shows conversions with receipts, verified in the browser", () =>
      Effect.gen(function* () {
        yield* AdminData.poll("NGN", "1528.0351515")
        const { convert } = yield* Conversions
        const { conversion } = yield* convert(conversionRequest("500"))
        yield* (yield* AuditSealer).sealAll
        const { page } = yield* openAs("audit-admin", "/admin/conversions")
        yield* run(() => page.getByRole("link", { name: `receipt of ${conversion.audit_id}` }).click())
        yield* run(() => page.getByText("The receipt is valid, verified in this browser").waitFor())
        yield* WebTest.assertUsable(page, "conversion")
        yield* go(page, "/admin/conversions")
        yield* click(page, "Verify the audit")
        yield* announced(page, "The audit is whole")
      }).pipe(Effect.scoped)
    )

    const quarantined = {
      phone: { light: "KES", dark: "GHS" },
      desktop: { light: "ZAR", dark: "EGP" }
    } as const
    const offered = {
      KES: ["128.735", "0.0077679"],
      GHS: ["11.8552", "9.05"],
      ZAR: ["17.93", "23"],
      EGP: ["49.2", "30"]
    }
    for (const variant of WebTest.VARIANTS) {
      const { colorScheme, screen } = variant
      const name = `${screen}-${colorScheme}`
      it.effect(
        `has no accessibility violation, foreign request, policy violation or console error on a ${screen} in ${colorScheme} colours`,
        () =>
          Effect.gen(function* () {
            const code = quarantined[screen][colorScheme]
            const [good = "", wrong = ""] = offered[code]
            yield* AdminData.quarantine(code, good, wrong)
            const waiting = yield* WalletUsers.create(`waiting-${name}`, { USD: "1240.50", EUR: "310" })
            yield* AdminData.requestDeposit(waiting, "180.00")
            yield* WalletUsers.create(`landlord-${name}`)
            yield* AdminData.sendHeld(waiting, `landlord-${name}`, "940")
            const { faults, page } = yield* openAs(`axe-${name}`, "/admin", variant)
            for (const path of ["", ...PAGES]) {
              const where = `admin-${path === "" ? "overview" : path}-${name}`
              yield* go(page, `/admin/${path}`)
              yield* isSettled(page)
              yield* WebTest.screenshot(page, where)
              yield* WebTest.assertUsable(page, where)
            }
            yield* go(page, "/admin/users")
            yield* run(() => page.getByRole("link", { name: `waiting-${name}` }).click())
            yield* run(() => page.getByRole("heading", { level: 1, name: `waiting-${name}` }).waitFor())
            yield* isSettled(page)
            yield* WebTest.screenshot(page, `admin-user-${name}`)
            yield* WebTest.assertUsable(page, `user, ${name}`)
            yield* click(page, "Lock…")
            yield* WebTest.screenshot(page, `admin-dialog-${name}`)
            yield* WebTest.assertUsable(page, `dialog, ${name}`)
            assert.deepStrictEqual(faults, [])
          }).pipe(Effect.scoped),
        TEST_TIMEOUT
      )
    }
  })
})
