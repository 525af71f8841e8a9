import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Option, Redacted } from "effect"
import { generateSync } from "otplib"
import type { Page } from "playwright-core"
import { Registration } from "../../src/accounts/Registration.ts"
import { UserAdministration } from "../../src/accounts/UserAdministration.ts"
import * as Chromium from "../support/Chromium.ts"
import { TestServer } from "../support/TestServer.ts"
import { ServerClock } from "../server/http/ServerClock.ts"
import * as Qr from "./support/Qr.ts"
import * as WebTest from "./support/WebTest.ts"

const { go, open, PASSWORD, run, signUp, TEST_TIMEOUT } = WebTest

const PAGES = {
  "sign-in": "/sign-in",
  "sign-up": "/sign-up",
  account: "/account",
  security: "/account/security",
  sessions: "/account/sessions",
  activity: "/account/activity"
} as const

/** Requests that a page makes to learn that a session ended are reported by the console of Chromium. */
const isExpected = (fault: string) => /status of (400|401|403)/.test(fault)

const fillSignIn = Effect.fnUntraced(function* (page: Page, username: string, password = PASSWORD) {
  yield* run(() => page.getByLabel("Username").fill(username))
  yield* run(() => page.getByLabel("Password", { exact: true }).fill(password))
  yield* run(() => page.getByRole("button", { name: "Sign in" }).click())
})

const createUser = Effect.fnUntraced(function* (username: string) {
  const { create } = yield* Registration
  return yield* create({ username, password: Redacted.make(PASSWORD), email: Option.none() }, "user")
})

const heading = (page: Page, name: string) =>
  run(() => page.getByRole("heading", { level: 1, name }).waitFor())

/** Leaves the account by the menu. */
const signOut = Effect.fnUntraced(function* (page: Page) {
  yield* run(() => page.getByRole("button", { name: /account of/ }).click())
  yield* run(() => page.getByRole("button", { name: "Sign out" }).click())
  yield* run(() => page.getByRole("link", { name: "Sign in", exact: true }).waitFor())
})

/** Turns two-step sign-in on, and returns the key of the app and the recovery codes. */
const enableMfa = Effect.fnUntraced(function* (page: Page) {
  yield* run(() => page.getByRole("button", { name: "Set up" }).click())
  yield* run(() =>
    page.getByRole("region", { name: "Two-step" }).getByLabel("Password", { exact: true }).fill(PASSWORD)
  )
  yield* run(() => page.getByRole("button", { name: "Continue" }).click())
  const code = page.getByRole("img", { name: "QR code" })
  yield* run(() => code.waitFor())
  const uri = new URL(yield* Qr.read(code))
  const secret = uri.searchParams.get("secret") ?? ""
  return { uri, secret }
})

const STEP_SECONDS = 30

/**
 * A code of the app, of this step or of the previous one. Each is accepted once, and none of an earlier step: stop the clock
 * of the server before.
 */
const codeOf = Effect.fnUntraced(function* (secret: string, step: -1 | 0) {
  const seconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  return generateSync({ secret, epoch: seconds + step * STEP_SECONDS })
})

const services = WebTest.app().pipe(Layer.provideMerge(ServerClock.layerNow))

describe.skipIf(!Chromium.isAvailable)("The account pages", () => {
  layer(services, { excludeTestServices: true, timeout: TEST_TIMEOUT })("in a browser", (it) => {
    it.effect(
      "have no accessibility violation, foreign request, policy violation or console error",
      () =>
        Effect.gen(function* () {
          for (const variant of WebTest.VARIANTS) {
            const name = `${variant.screen}-${variant.colorScheme}`
            const { faults, page } = yield* open("/sign-in", variant)
            for (const [id, path] of Object.entries(PAGES)) {
              if (id === "account") yield* signUp(page, `axe-${name}`)
              yield* go(page, path)
              if (path.startsWith("/account/"))
                yield* run(() => page.getByText("Loading").first().waitFor({ state: "detached" }))
              yield* WebTest.assertUsable(page, `${id}, ${name}`)
              yield* WebTest.screenshot(page, `${id}-${name}`)
            }
            yield* go(page, PAGES.security)
            yield* enableMfa(page)
            yield* WebTest.assertUsable(page, `QR code, ${name}`)
            yield* WebTest.screenshot(page, `qr-code-${name}`)
            yield* go(page, PAGES.sessions)
            yield* run(() => page.getByRole("button", { name: /account of/ }).click())
            yield* WebTest.assertUsable(page, `account menu, ${name}`)
            yield* WebTest.screenshot(page, `account-menu-${name}`)
            assert.deepStrictEqual(faults, [], name)
          }
        }).pipe(Effect.scoped),
      TEST_TIMEOUT
    )

    it.effect("sign up by keyboard alone, keep what was typed, and show the wallet", () =>
      Effect.gen(function* () {
        yield* createUser("taken")
        const { page } = yield* open("/sign-up", { screen: "phone", colorScheme: "light" })
        const { keyboard } = page
        yield* run(() => page.getByLabel("Username").focus())
        yield* run(() => keyboard.type("Taken"))
        yield* run(() => keyboard.press("Tab"))
        yield* run(() => keyboard.type("short"))
        yield* run(() => keyboard.press("Enter"))
        yield* run(() => page.getByText("Use at least 10 characters").waitFor())
        yield* run(() => page.reload())
        assert.strictEqual(yield* run(() => page.getByLabel("Username").inputValue()), "Taken")
        assert.strictEqual(yield* run(() => page.getByLabel("Password", { exact: true }).inputValue()), "")
        yield* run(() => page.getByLabel("Password", { exact: true }).focus())
        yield* run(() => keyboard.type(PASSWORD))
        yield* run(() => keyboard.press("Enter"))
        yield* run(() => page.getByText("Somebody has this username").waitFor())
        yield* run(() => page.getByLabel("Username").fill("Amara.O"))
        yield* run(() => page.getByLabel("Username").press("Enter"))
        yield* run(() => page.waitForURL("**/wallet"))
        yield* run(() => page.getByRole("button", { name: "AM, account of amara.o" }).waitFor())
        // The main menu, by keyboard.
        yield* run(() => page.getByRole("button", { name: /account of/ }).press("Enter"))
        yield* run(() => keyboard.press("Tab"))
        yield* run(() => keyboard.press("Enter"))
        yield* heading(page, "amara.o")
        yield* run(() => page.getByRole("textbox", { name: "Email address" }).fill("nobody"))
        yield* run(() => page.getByRole("textbox", { name: "Email address" }).press("Enter"))
        yield* run(() => page.getByRole("alert").filter({ hasText: /./ }).waitFor())
        yield* run(() => page.getByRole("textbox", { name: "Email address" }).fill("amara@example.com"))
        yield* run(() => page.getByRole("textbox", { name: "Email address" }).press("Enter"))
        yield* run(() => page.getByText("Email address saved").waitFor())
        yield* run(() => page.reload())
        assert.strictEqual(
          yield* run(() => page.getByRole("textbox", { name: "Email address" }).inputValue()),
          "amara@example.com"
        )
      }).pipe(Effect.scoped)
    )

    it.effect("lead back to the page that needed the sign-in, and to no other host", () =>
      Effect.gen(function* () {
        yield* createUser("returning")
        const { page } = yield* open("/account/sessions?x=1")
        yield* heading(page, "Sign in")
        yield* fillSignIn(page, "returning", "a wrong passphrase")
        yield* run(() => page.getByText("The username or the password is wrong").waitFor())
        yield* fillSignIn(page, "returning")
        yield* heading(page, "Sessions")
        assert.match(page.url(), /\/account\/sessions\?x=1$/)
        yield* signOut(page)
        const { url } = yield* TestServer
        for (const next of [
          "//example.com/x",
          "https://example.com",
          "/\\example.com",
          "/api/v1/rates/all"
        ]) {
          yield* go(page, `/sign-in?next=${encodeURIComponent(next)}`)
          yield* fillSignIn(page, "returning")
          yield* run(() => page.waitForURL(`${url}/wallet`))
          yield* signOut(page)
        }
      }).pipe(Effect.scoped)
    )

    it.effect("turn two-step sign-in on with a QR code, and sign in with the app and a recovery code", () =>
      Effect.gen(function* () {
        const { page } = yield* open("/sign-in")
        yield* signUp(page, "careful")
        yield* go(page, PAGES.security)
        const { secret, uri } = yield* enableMfa(page)
        assert.strictEqual(uri.protocol, "otpauth:")
        const code = page.getByLabel("Code that the app shows")
        yield* run(() => code.fill("000000"))
        yield* run(() => page.getByRole("button", { name: "Turn on" }).click())
        yield* run(() => page.getByText("The code is wrong or was used already").waitFor())
        // As apps show it, in two groups.
        const clock = yield* ServerClock
        yield* clock.stop
        const previous = yield* codeOf(secret, -1)
        yield* run(() => code.fill(previous.replace(/^.../, "$& ")))
        yield* run(() => page.getByRole("button", { name: "Turn on" }).click())
        yield* run(() => page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor())
        const codes = yield* run(() => page.locator("ol.printed li").allInnerTexts())
        assert.strictEqual(codes.length, 10)
        yield* WebTest.assertUsable(page, "recovery codes")
        yield* WebTest.screenshot(page, "recovery-codes-desktop-light")
        const download = yield* run(async () => {
          const [started] = await Promise.all([
            page.waitForEvent("download"),
            page.getByRole("button", { name: "Download" }).click()
          ])
          const parts: Array<Buffer> = []
          for await (const part of await started.createReadStream()) parts.push(Buffer.from(part))
          return Buffer.concat(parts).toString()
        })
        for (const each of codes) assert.include(download, each)
        yield* run(() => page.getByLabel("I have kept the codes").check())
        yield* run(() => page.getByRole("button", { name: "Done" }).click())
        yield* run(() => page.getByText("10 recovery codes are left").waitFor())
        yield* signOut(page)

        yield* go(page, "/sign-in")
        yield* fillSignIn(page, "careful")
        yield* heading(page, "Enter your code")
        const entered = page.getByLabel("Code of your authenticator app")
        assert.strictEqual(yield* run(() => entered.getAttribute("autocomplete")), "one-time-code")
        yield* WebTest.assertUsable(page, "code")
        yield* WebTest.screenshot(page, "code-desktop-light")
        const current = yield* codeOf(secret, 0)
        yield* run(() => entered.fill(current))
        yield* run(() => entered.press("Enter"))
        yield* run(() => page.waitForURL("**/wallet"))
        yield* signOut(page)

        const [first = "", second = ""] = codes
        const recover = Effect.fnUntraced(function* (recoveryCode: string) {
          yield* run(() => page.getByLabel("Recovery code").fill(recoveryCode.toUpperCase()))
          yield* run(() => page.getByLabel("Recovery code").press("Enter"))
        })
        for (const isUsed of [false, true]) {
          yield* go(page, "/sign-in")
          yield* fillSignIn(page, "careful")
          yield* run(() => page.getByRole("button", { name: "Use a recovery code" }).click())
          yield* recover(first)
          if (isUsed) {
            yield* run(() => page.getByText("The code is wrong or was used already").waitFor())
            yield* recover(second)
          }
          yield* run(() => page.waitForURL("**/wallet"))
          if (!isUsed) yield* signOut(page)
        }
        yield* go(page, PAGES.activity)
        yield* run(() => page.getByText("A recovery code was used").first().waitFor())
        yield* run(() => page.getByText("Two-step sign-in turned on").waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("end a session on another device, which says why and leads back", () =>
      Effect.gen(function* () {
        const { page: desk } = yield* open("/sign-in")
        yield* signUp(desk, "two-devices")
        const { faults, page: phone } = yield* open("/sign-in", { screen: "phone", colorScheme: "dark" })
        yield* WebTest.signIn(phone, "two-devices")
        yield* go(phone, PAGES.security)
        yield* go(desk, PAGES.sessions)
        const rows = desk.getByRole("listitem").filter({ hasText: "Last active" })
        yield* run(() => rows.nth(1).waitFor())
        yield* run(() => rows.first().getByText("This device").waitFor())
        yield* run(() => rows.nth(1).getByRole("button", { name: /^End/ }).click())
        yield* WebTest.assertUsable(desk, "confirmation")
        yield* WebTest.screenshot(desk, "end-session-desktop-light")
        yield* run(() => desk.getByRole("dialog").getByRole("button", { name: "End session" }).click())
        yield* run(() => rows.nth(1).waitFor({ state: "detached" }))
        yield* heading(phone, "Sign in")
        yield* run(() => phone.getByText("The session was ended from another one").waitFor())
        yield* WebTest.screenshot(phone, "session-ended-phone-dark")
        yield* fillSignIn(phone, "two-devices")
        yield* heading(phone, "Security")
        yield* go(desk, PAGES.sessions)
        yield* run(() => rows.nth(1).waitFor())
        yield* run(() => desk.getByRole("button", { name: "End all others" }).click())
        yield* run(() => desk.getByRole("dialog").getByRole("button", { name: "End all others" }).click())
        yield* run(() => desk.getByText("All other sessions ended").waitFor())
        yield* run(() => rows.nth(1).waitFor({ state: "detached" }))
        yield* heading(phone, "Sign in")
        assert.deepStrictEqual(
          faults.filter((fault) => !isExpected(fault)),
          []
        )
      }).pipe(Effect.scoped)
    )

    it.effect(
      "change the password, which ends the other sessions, and keeps a wrong attempt in the form",
      () =>
        Effect.gen(function* () {
          const { page } = yield* open("/sign-in")
          yield* signUp(page, "new-password")
          const { page: other } = yield* open("/sign-in")
          yield* WebTest.signIn(other, "new-password")
          yield* go(other, PAGES.account)
          yield* go(page, PAGES.security)
          yield* run(() => page.getByLabel("Current password").fill("a wrong passphrase"))
          yield* run(() => page.getByLabel("New password").fill("another long passphrase"))
          yield* run(() => page.getByRole("button", { name: "Change password" }).click())
          yield* run(() => page.getByText("This is not your current password").waitFor())
          yield* run(() => page.getByLabel("Current password").fill(PASSWORD))
          yield* run(() => page.getByRole("button", { name: "Change password" }).click())
          yield* run(() => page.getByText("Your other devices are signed out").first().waitFor())
          yield* run(() => other.getByText("The password was changed").waitFor())
          yield* fillSignIn(other, "new-password", "another long passphrase")
          yield* run(() => other.waitForURL("**/account"))
        }).pipe(Effect.scoped)
    )

    it.effect("say that an administrator locked the account", () =>
      Effect.gen(function* () {
        const user = yield* createUser("locked")
        const { page } = yield* open("/sign-in")
        yield* WebTest.signIn(page, "locked")
        yield* go(page, PAGES.sessions)
        yield* run(() => page.getByText("This device").waitFor())
        const { lock } = yield* UserAdministration
        yield* lock({ user: user.id, principal: "cli:test", reason: "test" })
        yield* run(() => page.getByText("An administrator locked the account").waitFor())
        yield* fillSignIn(page, "locked")
        yield* run(() => page.getByText("An administrator locked this account").waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("share the session between tabs, and leave it in all of them", () =>
      Effect.gen(function* () {
        const { context, page: first } = yield* open("/sign-in")
        yield* signUp(first, "two-tabs")
        const second = yield* run(() => context.newPage())
        for (let round = 0; round < 3; round++) {
          yield* Effect.all([go(first, PAGES.activity), go(second, PAGES.sessions)], { concurrency: 2 })
          yield* heading(first, "Activity")
          yield* run(() => second.getByText("This device").waitFor())
        }
        yield* run(() => first.getByRole("rowheader", { name: "Signed in" }).first().waitFor())
        assert.strictEqual(yield* run(() => first.getByText("token was used twice").count()), 0)
        yield* signOut(first)
        yield* heading(second, "Sign in")
        yield* fillSignIn(second, "two-tabs")
        yield* heading(second, "Sessions")
        yield* run(() => first.getByRole("button", { name: /account of two-tabs/ }).waitFor())
      }).pipe(Effect.scoped)
    )

    it.effect("say that the server is unreachable, and go on when it is back", () =>
      Effect.gen(function* () {
        const { context, page } = yield* open("/sign-in")
        yield* signUp(page, "offline")
        yield* run(() => context.route(/\/api\/v1\/accounts\//, (route) => route.abort()))
        const { url } = yield* TestServer
        yield* run(() => page.goto(url + PAGES.sessions))
        yield* heading(page, "Your account could not be loaded")
        yield* WebTest.screenshot(page, "account-unavailable-desktop-light")
        yield* run(() => context.unroute(/\/api\/v1\/accounts\//))
        yield* run(() => page.getByRole("button", { name: "Try again" }).click())
        yield* heading(page, "Sessions")
        yield* run(() => context.setOffline(true))
        yield* run(() => page.getByRole("link", { name: "Security", exact: true }).click())
        yield* run(() => page.getByRole("status").getByText("Offline").waitFor())
        yield* run(() => context.setOffline(false))
        yield* run(() => page.getByRole("status").getByText("Live").waitFor())
      }).pipe(Effect.scoped)
    )
  })
})
