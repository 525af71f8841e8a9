import { shallowRef } from "vue"

/** Colours of the page: those of the system, or always light or dark. */
export type Scheme = "system" | "light" | "dark"

const KEY = "effex-scheme"
const NEXT: Readonly<Record<Scheme, Scheme>> = { system: "light", light: "dark", dark: "system" }

const stored = (): Scheme => {
  try {
    const value = localStorage.getItem(KEY)
    return value === "light" || value === "dark" ? value : "system"
  } catch {
    // Storage is blocked.
    return "system"
  }
}

/** The chosen colours. The server renders those of the system. */
export const scheme = shallowRef<Scheme>("system")

/** Applies the scheme of the last visit to the page, before anything else is drawn. */
export const restore = (): void => apply(stored())

/** Shows which scheme is chosen, after the rendered page was taken over. */
export const show = (): void => {
  scheme.value = stored()
}

const apply = (next: Scheme) => {
  if (next === "system") delete document.documentElement.dataset["scheme"]
  else document.documentElement.dataset["scheme"] = next
}

/** Selects the next scheme, and keeps it for the next visit. */
export const nextScheme = (): void => {
  scheme.value = NEXT[scheme.value]
  apply(scheme.value)
  try {
    localStorage.setItem(KEY, scheme.value)
  } catch {
    // Storage is blocked: the choice lasts until the page is closed.
  }
}

/** Calls a function when the colours may have changed. Returns a function that stops it. */
export const onColors = (listener: () => void): (() => void) => {
  const systemDark = matchMedia("(prefers-color-scheme: dark)")
  systemDark.addEventListener("change", listener)
  return () => systemDark.removeEventListener("change", listener)
}
