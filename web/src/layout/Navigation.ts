import type { RouteLocationNormalizedLoaded } from "vue-router"
import { texts } from "../texts/public.ts"
import type { IconName } from "./Icons.ts"

export interface Destination {
  readonly section: "rates" | "wallet" | "send" | "markets"
  readonly path: string
  readonly text: string
  readonly icon: IconName
}

/** The main pages: in the top bar of a desktop and in the tab bar of a phone. */
export const destinations: ReadonlyArray<Destination> = [
  { section: "rates", path: "/", text: texts.nav.rates, icon: "rates" },
  { section: "wallet", path: "/wallet", text: texts.nav.wallet, icon: "wallet" },
  { section: "send", path: "/send", text: texts.nav.send, icon: "send" },
  { section: "markets", path: "/markets", text: texts.nav.markets, icon: "markets" }
]

/** Returns the main page that a route belongs to. */
export const sectionOf = ({ meta }: RouteLocationNormalizedLoaded): string | undefined => meta.section
