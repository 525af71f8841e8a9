import type { Overview } from "../../../src/client/promise/admin/OperationValues.ts"
import { texts } from "../texts/admin.ts"

/** Paths of icons, 24 by 24, drawn with lines. */
export const icons = {
  overview: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  rates: "M3 17l5.500-5.500 3.500 3.500L20.500 6.500M15 6.500h5.500V12",
  poller: "M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16zM12 8v4.500l3 2",
  conversions: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9.500 8h5M9.500 12h5",
  users:
    "M9 5a3.500 3.500 0 1 0 0 7a3.500 3.500 0 0 0 0-7zM2.500 20c.8-4 3.200-5.500 6.500-5.500s5.700 1.500 6.500 5.500M16 5.500a3.300 3.300 0 0 1 0 6.300M18 15c2 .6 3.100 2.200 3.500 5",
  ledger: "M12 4v16M7 20h10M4 8l8-2 8 2M4 8l-2.500 6h5zM20 8l-2.500 6h5z",
  funding: "M3 9l9-5 9 5M4 9h16M6 9v8M10 9v8M14 9v8M18 9v8M3 20h18M4 17h16",
  orders: "M12 3l9 5-9 5-9-5zM3 12l9 5 9-5M3 16l9 5 9-5",
  reviews:
    "M12 3l7.500 3v5.500c0 4.500-3 8-7.500 9.500-4.500-1.500-7.500-5-7.500-9.500V6zM8.500 12l2.500 2.500 4.500-5",
  keys: "M15.500 3a5.500 5.500 0 1 0 0 11a5.500 5.500 0 0 0 0-11zM11.500 12.500L3 21M6 18l2.500 2.500M9 15l2 2",
  assets: "M12 3l7.500 4.500v9L12 21l-7.500-4.500v-9zM12 12v9M12 12l7.500-4.500M12 12L4.500 7.500",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
  actions: "M4 6h2M9 6h11M4 12h2M9 12h11M4 18h2M9 18h11",
  menu: "M4 7h16M4 12h16M4 17h16"
} as const

export type SectionName = Exclude<keyof typeof icons, "menu">

/** A page of the area, with the number of items that wait there. */
export interface Section {
  readonly name: SectionName
  readonly path: string
  readonly text: string
  readonly waiting: (overview: Overview) => number
}

const nothing = () => 0

const section = (name: SectionName, path: string, waiting: Section["waiting"] = nothing): Section => ({
  name,
  path,
  text: texts.sections[name],
  waiting
})

export const sections: ReadonlyArray<Section> = [
  section("overview", "/admin"),
  section("rates", "/admin/rates", ({ backlog }) => backlog?.quarantine.count ?? 0),
  section("poller", "/admin/poller"),
  section("conversions", "/admin/conversions"),
  section("users", "/admin/users"),
  section("ledger", "/admin/ledger", ({ backlog }) => backlog?.adjustments.count ?? 0),
  section("funding", "/admin/funding", ({ backlog, instance }) =>
    backlog === null || instance.funding === "sandbox"
      ? 0
      : backlog.deposits.count + backlog.withdrawals.count
  ),
  section("orders", "/admin/orders", ({ backlog }) => backlog?.deadBatches.count ?? 0),
  section("reviews", "/admin/reviews", ({ backlog }) => backlog?.reviews.count ?? 0),
  section("keys", "/admin/keys"),
  section("assets", "/admin/assets"),
  section("settings", "/admin/settings"),
  section("actions", "/admin/actions")
]
