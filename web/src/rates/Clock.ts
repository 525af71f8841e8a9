import { shallowRef } from "vue"

/** The time, every second. Ages are drawn from it. */
export const now = shallowRef(Date.now())

export const startClock = (): void => {
  setInterval(() => (now.value = Date.now()), 1000)
}
