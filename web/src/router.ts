import { createRouter, createWebHistory } from "vue-router"
import BoardPage from "./pages/BoardPage.vue"
import PricesPage from "./pages/PricesPage.vue"
import { texts } from "./texts.ts"

declare module "vue-router" {
  interface RouteMeta {
    /** Title of the page. Pages without one set their own. */
    readonly title?: string
  }
}

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: "/", name: "board", component: BoardPage, meta: { title: texts.board.title } },
    {
      path: "/crypto",
      name: "crypto",
      component: PricesPage,
      props: { kind: "crypto" },
      meta: { title: texts.prices.crypto.title }
    },
    {
      path: "/stocks",
      name: "stocks",
      component: PricesPage,
      props: { kind: "stock" },
      meta: { title: texts.prices.stocks.title }
    },
    {
      path: "/rates/:from/:to",
      name: "pair",
      component: () => import("./pages/PairPage.vue"),
      props: ({ params }) => ({
        from: String(params["from"]).toUpperCase(),
        to: String(params["to"]).toUpperCase()
      })
    },
    {
      path: "/verify",
      name: "verify",
      component: () => import("./pages/VerifyPage.vue"),
      meta: { title: texts.verify.title }
    },
    {
      path: "/:path(.*)*",
      name: "not-found",
      component: () => import("./pages/NotFoundPage.vue"),
      meta: { title: texts.notFound.title }
    }
  ]
})

export const setTitle = (title: string): void => {
  document.title = `${title} · ${texts.app}`
}

router.afterEach(({ meta }) => {
  if (meta.title !== undefined) setTitle(meta.title)
})
