import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import { mkdir } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import type { Browser as PlaywrightBrowser, Page } from "playwright-core"
import { Registration } from "../../../src/accounts/Registration.ts"
import type { Role } from "../../../src/domain/accounts/User.ts"
import * as RateFollower from "../../../src/rates/feed/RateFollower.ts"
import * as Browser from "../../support/Browser.ts"
import { TestServer } from "../../support/TestServer.ts"

/** Pages take long on a busy machine. */
export const TEST_TIMEOUT = 600_000

export const PASSWORD = "a long enough passphrase"

/** One browser for all tests of a file. */
export class TestBrowser extends Context.Service<TestBrowser, PlaywrightBrowser>()("effex/test/Browser") {
  static readonly layer = Layer.effect(TestBrowser, Browser.launch)
}

/**
 * An effex with the web app, and a browser. The follower keeps the contact with the database, without which a page is not
 * live.
 */
export const app = (env: Readonly<Record<string, string>> = {}) =>
  Layer.merge(
    RateFollower.layer.pipe(Layer.provideMerge(TestServer.layer({ WEB: "on", ...env }))),
    TestBrowser.layer
  )

export const run = <A>(action: () => Promise<A>) => Effect.promise(action)

const DESKTOP: Browser.ContextOptions = { screen: "desktop", colorScheme: "light" }

/** Opens a page in a browser without cookies, and waits until its heading is there. */
export const open = Effect.fnUntraced(function* (path: string, options: Browser.ContextOptions = DESKTOP) {
  const { url } = yield* TestServer
  const observed = yield* Browser.openPage(yield* TestBrowser, url, options)
  yield* go(observed.page, path)
  return observed
})

/** Opens a page of the app, and waits until its heading is there. */
export const go = Effect.fnUntraced(function* (page: Page, path: string) {
  const { url } = yield* TestServer
  yield* run(() => page.goto(url + path))
  yield* run(() => page.getByRole("heading", { level: 1 }).first().waitFor())
})

/** Creates an account with {@link PASSWORD} and signs the browser of a page in, without the form. */
export const signUp = Effect.fnUntraced(function* (page: Page, username: string, role: Role = "user") {
  const { create } = yield* Registration
  yield* create({ username, password: Redacted.make(PASSWORD), email: Option.none() }, role)
  yield* signIn(page, username)
})

/** Signs the browser of a page in, without the form. The page must be one of the app. */
export const signIn = Effect.fnUntraced(function* (page: Page, username: string) {
  const status = yield* run(() =>
    page.evaluate(`
      fetch("/api/v1/accounts/auth/login", {
        method: "POST",
        headers: { "content-type": "application/json", "effex-csrf": "1" },
        body: JSON.stringify({ username: "${username}", password: "${PASSWORD}", cookie: true })
      }).then(async (response) => {
        const { user } = await response.json()
        localStorage.setItem("effex-user", JSON.stringify(user))
        return response.status
      })`)
  )
  assert.strictEqual(status, 200)
})

/** Records each layout shift of the pages that are opened next, for {@link shiftsOf}. */
export const recordShifts = (page: Page) =>
  run(() =>
    page.addInitScript(`
      globalThis.shifts = []
      new PerformanceObserver((list) => {
        for (const { sources, value } of list.getEntries())
          shifts.push([value, ...sources.map(({ node }) => node?.outerHTML)])
      }).observe({ type: "layout-shift", buffered: true })`)
  )

/** Returns the layout shifts until the next frame is drawn: their sizes, and what moved. */
export const shiftsOf = (page: Page) =>
  run(() =>
    page.evaluate<ReadonlyArray<unknown>>(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(shifts))))"
    )
  )

const SCREENSHOTS = fileURLToPath(new URL("../../../test-results/web/", import.meta.url))

/** With `WEB_SCREENSHOTS=on`, keeps a picture of the whole page in `test-results/web`, for people to look at. */
export const screenshot = Effect.fnUntraced(function* (
  page: Page,
  name: string,
  { hasScripts = true }: { readonly hasScripts?: boolean } = {}
) {
  if (process.env["WEB_SCREENSHOTS"] !== "on") return
  yield* run(() => mkdir(SCREENSHOTS, { recursive: true }))
  const screen = page.viewportSize()
  if (screen === null) return
  // A window as high as the page, so that what is fixed to its end is at the end of the picture.
  const height = yield* run(() => page.evaluate<number>("document.documentElement.scrollHeight"))
  yield* run(() => page.setViewportSize({ ...screen, height: Math.max(height, screen.height) }))
  // What is fixed has its place with the frame after the next one. A page without scripts has no animation frames.
  if (hasScripts)
    yield* run(() =>
      page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    )
  yield* run(() => page.screenshot({ path: `${SCREENSHOTS}${name}.png` }))
  yield* run(() => page.setViewportSize(screen))
})

const isWiderThanScreen = (page: Page) =>
  page.evaluate<boolean>("document.documentElement.scrollWidth > innerWidth")

const setTextSize = (page: Page, size: string) =>
  page.evaluate(`document.documentElement.style.fontSize = "${size}"`)

/** Width of the smallest phones, which WCAG 2.2 requires too (success criterion 1.4.10). */
const SMALLEST_WIDTH = 320

/** Returns the visible words that a line ends within. Digests, and lists without spaces, may be broken. */
const brokenWords = (page: Page) =>
  page.evaluate<ReadonlyArray<string>>(`
    (() => {
      const isHidden = (element) => element !== null && (element.clientWidth === 1 || isHidden(element.parentElement))
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      const broken = []
      for (let text = texts.nextNode(); text !== null; text = texts.nextNode())
        for (const { 0: word, index } of text.data.matchAll(/(?<!\\S)\\p{L}{2,12}(?=[.,:;?!]?(?:\\s|$))/gu)) {
          const range = document.createRange()
          range.setStart(text, index)
          range.setEnd(text, index + word.length)
          const lines = new Set(Array.from(range.getClientRects(), ({ top }) => Math.round(top)))
          if (lines.size > 1 && !isHidden(text.parentElement)) broken.push(word)
        }
      return broken
    })()`)

/** Asserts that a page fits the narrowest screen, with whole words. */
const assertFitsSmallest = Effect.fnUntraced(function* (page: Page, name: string) {
  const screen = page.viewportSize()
  if (screen === null) return
  yield* run(() => page.setViewportSize({ ...screen, width: SMALLEST_WIDTH }))
  assert.isFalse(yield* run(() => isWiderThanScreen(page)), `${name}, ${SMALLEST_WIDTH} pixels wide`)
  assert.deepStrictEqual(yield* run(() => brokenWords(page)), [], `${name}, ${SMALLEST_WIDTH} pixels wide`)
  yield* run(() => page.setViewportSize(screen))
})

/**
 * Asserts that a page has no accessibility violation, and fits its screen with text of the usual and of twice the size, and the
 * narrowest one.
 */
export const assertUsable = Effect.fnUntraced(function* (page: Page, name: string) {
  yield* run(() => Browser.assertAccessible(page, name))
  assert.isFalse(yield* run(() => isWiderThanScreen(page)), name)
  yield* run(() => setTextSize(page, "200%"))
  assert.isFalse(yield* run(() => isWiderThanScreen(page)), `${name}, text of twice the size`)
  yield* run(() => setTextSize(page, ""))
  yield* assertFitsSmallest(page, name)
})

/** Every screen in every scheme. */
export const VARIANTS: ReadonlyArray<Browser.ContextOptions> = (["phone", "desktop"] as const).flatMap(
  (screen) => (["light", "dark"] as const).map((colorScheme) => ({ screen, colorScheme }))
)
