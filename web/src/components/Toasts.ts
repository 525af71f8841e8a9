import { shallowRef } from "vue"

/** Text that the page announces: what was done. Empty for none. */
export const toastText = shallowRef("")

const DURATION_MILLIS = 6000
let timer: ReturnType<typeof setTimeout> | undefined

/** Announces what was done, such as "Email address saved". Failures belong beside their form, not here. */
export const toast = (text: string): void => {
  clearTimeout(timer)
  toastText.value = text
  timer = setTimeout(() => {
    toastText.value = ""
  }, DURATION_MILLIS)
}
