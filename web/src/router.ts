import { createRouter, createWebHistory } from "vue-router"
import { routes as accountRoutes } from "./pages/account/routes.ts"
import { routes as adminRoutes } from "./pages/admin/routes.ts"
import BoardPage from "./pages/BoardPage.vue"
import { routes as orderRoutes } from "./pages/orders/routes.ts"
import PricesPage from "./pages/PricesPage.vue"
import { routes as walletRoutes } from "./pages/wallet/routes.ts"
import { guard } from "./session/Guard.ts"
import { texts } from "./texts/public.ts"
import { setTitle } from "./Title.ts"

declare module "vue-router" {
  interface RouteMeta {
    /** Title of the page. Pages without one set their own. */
    readonly title?: string
    /** Who may open the page. Default: `public`. */
    readonly access?: "public" | "user" | "admin"
    /** Item of the main navigation that the page belongs to. */
    readonly section?: "rates" | "wallet" | "send" | "markets" | "account" | "admin"
  }
}

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: "/", name: "board", component: BoardPage, meta: { title: texts.board.title, section: "rates" } },
    {
      path: "/crypto",
      name: "crypto",
      component: PricesPage,
      props: { kind: "crypto" },
      meta: { title: texts.prices.crypto.title, section: "rates" }
    },
    {
      path: "/stocks",
      name: "stocks",
      component: PricesPage,
      props: { kind: "stock" },
      meta: { title: texts.prices.stocks.title, section: "rates" }
    },
    {
      path: "/rates/:from/:to",
      name: "pair",
      component: () => import("./pages/PairPage.vue"),
      props: ({ params }) => ({
        from: String(params["from"]).toUpperCase(),
        to: String(params["to"]).toUpperCase()
      }),
      meta: { section: "rates" }
    },
    {
      path: "/verify",
      name: "verify",
      component: () => import("./pages/VerifyPage.vue"),
      meta: { title: texts.verify.title }
    },
    ...accountRoutes,
    ...walletRoutes,
    ...orderRoutes,
    ...adminRoutes,
    {
      path: "/:path(.*)*",
      name: "not-found",
      component: () => import("./pages/NotFoundPage.vue"),
      meta: { title: texts.notFound.title }
    }
  ]
})

router.beforeEach(guard)

router.afterEach(({ meta }) => {
  if (meta.title !== undefined) setTitle(meta.title)
})
