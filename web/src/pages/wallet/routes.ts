import type { RouteRecordRaw } from "vue-router"

const user = { access: "user" } as const
const wallet = { ...user, section: "wallet" } as const
const send = { ...user, section: "send" } as const

export const routes: ReadonlyArray<RouteRecordRaw> = [
  { path: "/wallet", name: "wallet", component: () => import("./WalletPage.vue"), meta: wallet },
  {
    path: "/wallet/deposit",
    name: "deposit",
    component: () => import("./FundingPage.vue"),
    props: { direction: "deposit" },
    meta: wallet
  },
  {
    path: "/wallet/withdraw",
    name: "withdraw",
    component: () => import("./FundingPage.vue"),
    props: { direction: "withdraw" },
    meta: wallet
  },
  {
    path: "/wallet/funding/:id",
    name: "funding",
    component: () => import("./FundingRecordPage.vue"),
    props: true,
    meta: wallet
  },
  { path: "/send", name: "send", component: () => import("./SendPage.vue"), meta: send },
  {
    path: "/send/:id",
    name: "transfer",
    component: () => import("./TransferPage.vue"),
    props: true,
    meta: send
  },
  { path: "/convert", name: "convert", component: () => import("./ConvertPage.vue"), meta: wallet },
  {
    path: "/convert/:id",
    name: "conversion",
    component: () => import("./ConversionPage.vue"),
    props: true,
    meta: wallet
  },
  {
    path: "/convert/:id/review",
    name: "held-conversion",
    component: () => import("./HeldConversionPage.vue"),
    props: true,
    meta: wallet
  },
  { path: "/statement", name: "statement", component: () => import("./StatementPage.vue"), meta: wallet },
  {
    path: "/statement/:id",
    name: "transaction",
    component: () => import("./TransactionPage.vue"),
    props: true,
    meta: wallet
  }
]
