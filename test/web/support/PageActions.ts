import type { Page } from "playwright-core"
import { run } from "./WebTest.ts"

/** Clicks the first button or link with a name: exactly that text, or one that matches. */
export const click = (page: Page, role: "button" | "link", name: RegExp | string) =>
  run(() =>
    page
      .getByRole(role, { name, exact: typeof name === "string" })
      .first()
      .click()
  )

/** Waits for a text that contains another one, or matches. */
export const see = (page: Page, text: RegExp | string) => run(() => page.getByText(text).first().waitFor())

export const heading = (page: Page, name: RegExp | string) =>
  run(() => page.getByRole("heading", { name }).first().waitFor())

export const field = (page: Page, label: string) => page.getByRole("textbox", { name: label })

/** Responses that refuse something are reported by the console of Chromium. */
export const isExpected = (fault: string): boolean => /status of (400|401|402|403|404|409|422)/.test(fault)
