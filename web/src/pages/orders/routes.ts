import type { RouteRecordRaw } from "vue-router"

const meta = { access: "user", section: "markets" } as const

export const routes: ReadonlyArray<RouteRecordRaw> = [
  {
    path: "/markets",
    name: "markets",
    component: () => import("./MarketsPage.vue"),
    meta: { ...meta, access: "public" }
  },
  {
    path: "/markets/:code",
    name: "market",
    component: () => import("./MarketPage.vue"),
    props: ({ params }) => ({ code: String(params["code"]).toUpperCase() }),
    meta
  },
  { path: "/orders", name: "orders", component: () => import("./OrdersPage.vue"), meta },
  { path: "/orders/:id", name: "order", component: () => import("./OrderPage.vue"), props: true, meta }
]
