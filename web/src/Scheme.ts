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

export const scheme = shallowRef<Scheme>(stored())

export const applyScheme = (): void => {
  if (scheme.value === "system") delete document.documentElement.dataset["scheme"]
  else document.documentElement.dataset["scheme"] = scheme.value
}

/** Selects the next scheme, and keeps it for the next visit. */
export const nextScheme = (): void => {
  scheme.value = NEXT[scheme.value]
  applyScheme()
  try {
    localStorage.setItem(KEY, scheme.value)
  } catch {
    // Storage is blocked: the choice lasts until the page is closed.
  }
}

const systemDark = matchMedia("(prefers-color-scheme: dark)")

/** Calls a function when the colours may have changed. Returns a function that stops it. */
export const onColors = (listener: () => void): (() => void) => {
  systemDark.addEventListener("change", listener)
  return () => systemDark.removeEventListener("change", listener)
}
