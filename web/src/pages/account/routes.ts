import type { RouteRecordRaw } from "vue-router"

/** Pages set their own titles, so that their texts load with them. */
export const routes: ReadonlyArray<RouteRecordRaw> = [
  { path: "/sign-in", name: "sign-in", component: () => import("./SignInPage.vue") },
  { path: "/sign-up", name: "sign-up", component: () => import("./SignUpPage.vue") },
  {
    path: "/account",
    component: () => import("./AccountLayout.vue"),
    meta: { access: "user", section: "account" },
    children: [
      { path: "", name: "account", component: () => import("./OverviewPage.vue") },
      { path: "security", name: "account-security", component: () => import("./SecurityPage.vue") },
      { path: "sessions", name: "account-sessions", component: () => import("./SessionsPage.vue") },
      { path: "activity", name: "account-activity", component: () => import("./ActivityPage.vue") }
    ]
  }
]
