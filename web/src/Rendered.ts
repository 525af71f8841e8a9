import { shallowRef } from "vue"

/**
 * False on the server and until the app has taken over the page that the server rendered. What only the browser knows, such
 * as its time zone, is drawn after that.
 */
export const isTakenOver = shallowRef(false)

/**
 * Notes what was entered into a rendered page before the app started. Returns a function that enters it again, because the
 * app starts with the values that the server rendered.
 */
export const keepEntries = (root: Element | null): (() => void) => {
  const changed = Array.from(root?.querySelectorAll("input") ?? []).flatMap((input) => {
    const { checked, defaultChecked, defaultValue, type, value } = input
    if (type === "radio") return checked && !defaultChecked ? [() => input.click()] : []
    if (value === defaultValue) return []
    return [
      () => {
        input.value = value
        input.dispatchEvent(new Event("input", { bubbles: true }))
      }
    ]
  })
  return () => {
    for (const enter of changed) enter()
  }
}
