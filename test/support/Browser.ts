import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { createRequire } from "node:module"
import { readFileSync } from "node:fs"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import * as Chromium from "./Chromium.ts"
import { TIMEOUT_MILLIS } from "./Waiters.ts"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** Starts a headless browser. The end of the scope closes it. */
export const launch: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() =>
    chromium.launch({
      executablePath: Chromium.path,
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
      timeout: TIMEOUT_MILLIS
    })
  ),
  (browser) => Effect.promise(() => browser.close())
)

/** Sizes of screens. */
export const SCREENS = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 }
} as const

export interface ContextOptions {
  readonly screen: keyof typeof SCREENS
  readonly colorScheme: "light" | "dark"
}

/** A page, with everything that it must not do. */
export interface Observed {
  readonly context: BrowserContext
  readonly page: Page
  /** Errors and warnings of the console, violations of the policy, and requests to other hosts. */
  readonly faults: ReadonlyArray<string>
}

/** Opens a page and records its faults. */
export const openPage = (browser: Browser, url: string, { colorScheme, screen }: ContextOptions) =>
  Effect.acquireRelease(
    Effect.promise(async (): Promise<Observed> => {
      const context = await browser.newContext({
        viewport: SCREENS[screen],
        colorScheme,
        reducedMotion: "reduce"
      })
      context.setDefaultTimeout(TIMEOUT_MILLIS)
      const page = await context.newPage()
      const faults: Array<string> = []
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) faults.push(message.text())
      })
      page.on("pageerror", (error) => faults.push(error.message))
      page.on("request", (request) => {
        if (new URL(request.url()).host !== new URL(url).host) faults.push(`request to ${request.url()}`)
      })
      return { context, page, faults }
    }),
    ({ context }) => Effect.promise(() => context.close())
  )

interface Violation {
  readonly id: string
  readonly nodes: ReadonlyArray<{ readonly html: string; readonly failureSummary: string }>
}

/** Fails with the violations that axe finds in a page. */
export const assertAccessible = async (page: Page, name: string): Promise<void> => {
  await page.evaluate(axe)
  const violations = await page.evaluate<ReadonlyArray<Violation>>(
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) => violations)"
  )
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ failureSummary, html }) => `${id}: ${html}: ${failureSummary}`)
  )
  assert.deepStrictEqual(found, [], name)
}
