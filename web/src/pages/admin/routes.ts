import type { RouteRecordRaw } from "vue-router"

/** Pages of administrators. They set their own titles, so that their texts load with them. */
export const routes: ReadonlyArray<RouteRecordRaw> = [
  {
    path: "/admin",
    component: () => import("./AdminLayout.vue"),
    meta: { access: "admin", section: "admin" },
    children: [
      { path: "", name: "admin-overview", component: () => import("./OverviewPage.vue") },
      { path: "rates", name: "admin-rates", component: () => import("./RatesPage.vue") },
      { path: "poller", name: "admin-poller", component: () => import("./PollerPage.vue") },
      { path: "conversions", name: "admin-conversions", component: () => import("./ConversionsPage.vue") },
      {
        path: "conversions/:id",
        name: "admin-conversion",
        component: () => import("./ConversionPage.vue"),
        props: true
      },
      { path: "users", name: "admin-users", component: () => import("./UsersPage.vue") },
      { path: "users/:id", name: "admin-user", component: () => import("./UserPage.vue"), props: true },
      { path: "ledger", name: "admin-ledger", component: () => import("./LedgerPage.vue") },
      {
        path: "ledger/accounts/:id",
        name: "admin-account",
        component: () => import("./AccountPage.vue"),
        props: true
      },
      {
        path: "ledger/transfers/:id",
        name: "admin-transfer",
        component: () => import("./TransferPage.vue"),
        props: true
      },
      { path: "funding", name: "admin-funding", component: () => import("./FundingPage.vue") },
      { path: "orders", name: "admin-orders", component: () => import("./BatchesPage.vue") },
      { path: "orders/:id", name: "admin-batch", component: () => import("./BatchPage.vue"), props: true },
      { path: "reviews", name: "admin-reviews", component: () => import("./ReviewsPage.vue") },
      { path: "keys", name: "admin-keys", component: () => import("./KeysPage.vue") },
      { path: "assets", name: "admin-assets", component: () => import("./AssetsPage.vue") },
      { path: "settings", name: "admin-settings", component: () => import("./SettingsPage.vue") },
      { path: "actions", name: "admin-actions", component: () => import("./ActionsPage.vue") }
    ]
  }
]
