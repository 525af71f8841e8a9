import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Locator, Page } from "playwright-core"
import { eventuallyFrom } from "../../support/Waiters.ts"
import { run } from "./WebTest.ts"

/** More than any page has. It only ends tests of what cannot be reached. */
const MAX_STOPS = 120

/**
 * Describes what has the focus, and says what is wrong with it: no outline, or out of sight. The outline may be that of the
 * control, of the text beside it or of a frame around it.
 */
const FOCUS = `(() => {
  const element = document.activeElement
  const isOutlined = (each, pseudo) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(each, pseudo)
    return outlineStyle !== "none" && outlineWidth !== "0px"
  }
  const isVisible = [element, element.nextElementSibling, element.parentElement, element.parentElement?.parentElement]
    .some((each) => each && (isOutlined(each) || isOutlined(each, "::before") || isOutlined(each, "::after")))
  const { bottom, height, left, right, top, width } = element.getBoundingClientRect()
  const isInSight = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth && width > 0 && height > 0
  const x = (Math.max(left, 0) + Math.min(right, innerWidth)) / 2
  const y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2
  const above = isInSight ? document.elementFromPoint(x, y) : null
  const isOnTop = above !== null && (element.contains(above) || above.contains(element) || above.parentElement === element.parentElement)
  return {
    name: element.outerHTML.slice(0, 120),
    isBody: element === document.body,
    isVisible, isOnTop,
    pageHeight: document.documentElement.scrollHeight
  }
})()`

interface Focus {
  readonly name: string
  readonly isBody: boolean
  readonly isVisible: boolean
  readonly isOnTop: boolean
  readonly pageHeight: number
}

const isFocused = (target: Locator) =>
  target.evaluateAll<boolean, HTMLElement>((elements) =>
    elements.some((each) => each === each.ownerDocument.activeElement)
  )

/** Presses Tab until a control has the focus. Each stop on the way must be in sight, and show that it has the focus. */
export const tabTo = Effect.fnUntraced(function* (page: Page, target: Locator) {
  yield* run(() => target.first().waitFor())
  const findFocus = run(() => page.evaluate<Focus>(FOCUS))
  for (let stop = 1; stop <= MAX_STOPS; stop++) {
    const before = yield* findFocus
    yield* run(() => page.keyboard.press("Tab"))
    const { isBody, isVisible, name } = yield* findFocus
    if (!isBody) {
      assert.isTrue(isVisible, `shows no focus: ${name}`)
      // What is loaded since the key was pressed can move a control out of sight after the browser has scrolled to it.
      yield* eventuallyFrom(
        `focus in sight: ${name}`,
        Effect.map(
          findFocus,
          ({ isOnTop, pageHeight }) => isOnTop || pageHeight !== before.pageHeight || undefined
        )
      )
    }
    if (yield* run(() => isFocused(target))) return
  }
  assert.fail(`Not reached by Tab: ${target}`)
})

/** Goes to a button or link by Tab, and presses Enter. */
export const press = Effect.fnUntraced(function* (
  page: Page,
  role: "button" | "link",
  name: RegExp | string
) {
  yield* tabTo(page, page.getByRole(role, { name, exact: typeof name === "string" }))
  yield* run(() => page.keyboard.press("Enter"))
})

/** Goes to a field by Tab, and types. */
export const type = Effect.fnUntraced(function* (page: Page, field: Locator, text: string) {
  yield* tabTo(page, field)
  yield* run(() => page.keyboard.type(text))
})
