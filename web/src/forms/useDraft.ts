import { type Ref, ref, watch } from "vue"

export interface Draft<A> {
  readonly fields: Ref<A>
  /** Forgets the draft, after it was sent. */
  readonly clear: () => void
}

/**
 * Keeps the fields of a form in the session of the browser tab, so that a reload loses nothing. Not for passwords and codes.
 */
export const useDraft = <A extends Readonly<Record<string, string>>>(name: string, initial: A): Draft<A> => {
  const key = `effex-draft-${name}`
  const fields: Ref<A> = ref({ ...initial, ...read(key, initial) }) as Ref<A>
  let isCleared = false
  watch(
    fields,
    (value) => {
      if (isCleared) return
      try {
        sessionStorage.setItem(key, JSON.stringify(value))
      } catch {
        // Storage is blocked: the draft lasts until the page is closed.
      }
    },
    { deep: true, flush: "sync" }
  )
  return {
    fields,
    clear: () => {
      isCleared = true
      try {
        sessionStorage.removeItem(key)
      } catch {
        // Nothing was stored.
      }
    }
  }
}

const read = (key: string, initial: Readonly<Record<string, string>>): Record<string, string> => {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(key) ?? "{}")
    if (typeof stored !== "object" || stored === null) return {}
    return Object.fromEntries(
      Object.entries(stored).filter(
        (entry): entry is [string, string] => entry[0] in initial && typeof entry[1] === "string"
      )
    )
  } catch {
    return {}
  }
}
