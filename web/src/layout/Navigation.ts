import { assetsOf } from "../rates/RateStore.ts"
import { texts } from "../texts.ts"
import type { IconName } from "./Icons.ts"

export interface Destination {
  readonly name: "board" | "crypto" | "stocks" | "verify"
  readonly text: string
  readonly icon: IconName
}

const all: ReadonlyArray<Destination & { readonly isOffered: boolean }> = [
  { name: "board", text: texts.nav.rates, icon: "rates", isOffered: true },
  { name: "crypto", text: texts.nav.crypto, icon: "crypto", isOffered: assetsOf("crypto").length > 0 },
  { name: "stocks", text: texts.nav.stocks, icon: "stocks", isOffered: assetsOf("stock").length > 0 },
  { name: "verify", text: texts.nav.verify, icon: "verify", isOffered: true }
]

/** The pages that this server has something to show on. */
export const destinations: ReadonlyArray<Destination> = all.filter(({ isOffered }) => isOffered)

/** Pairs belong to the list that leads to them. */
export const sectionOf = (name: unknown, kind: string | undefined): unknown =>
  name !== "pair" ? name : kind === "crypto" ? "crypto" : kind === "stock" ? "stocks" : "board"
