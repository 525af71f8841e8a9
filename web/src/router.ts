import {
  createRouter,
  type RouteLocationNormalized,
  type Router,
  type RouteRecordRaw,
  type RouterHistory
} from "vue-router"
import BoardPage from "./pages/BoardPage.vue"
import { texts } from "./texts/public.ts"

declare module "vue-router" {
  interface RouteMeta {
    /** Title of the page. Pages without one set their own. */
    readonly title?: string | ((route: RouteLocationNormalized) => string)
    /** Who may open the page. Default: `public`. */
    readonly access?: "public" | "user" | "admin"
    /** Item of the main navigation that the page belongs to. */
    readonly section?: "rates" | "wallet" | "send" | "markets" | "account" | "admin"
  }
}

const pairOf = ({ params }: RouteLocationNormalized) => ({
  from: String(params["from"]).toUpperCase(),
  to: String(params["to"]).toUpperCase()
})

/** Pages for everybody, which the server renders. */
const publicRoutes: ReadonlyArray<RouteRecordRaw> = [
  { path: "/", name: "board", component: BoardPage, meta: { title: texts.board.title, section: "rates" } },
  {
    path: "/crypto",
    name: "crypto",
    component: () => import("./pages/PricesPage.vue"),
    props: { kind: "crypto" },
    meta: { title: texts.prices.crypto.title, section: "rates" }
  },
  {
    path: "/stocks",
    name: "stocks",
    component: () => import("./pages/PricesPage.vue"),
    props: { kind: "stock" },
    meta: { title: texts.prices.stocks.title, section: "rates" }
  },
  {
    path: "/rates/:from/:to",
    name: "pair",
    component: () => import("./pages/PairPage.vue"),
    props: pairOf,
    meta: {
      title: (route) => {
        const { from, to } = pairOf(route)
        return texts.pair.title(from, to)
      },
      section: "rates"
    }
  },
  {
    path: "/verify",
    name: "verify",
    component: () => import("./pages/VerifyPage.vue"),
    meta: { title: texts.footer.verify }
  }
]

const notFound: RouteRecordRaw = {
  path: "/:path(.*)*",
  name: "not-found",
  component: () => import("./pages/NotFoundPage.vue"),
  meta: { title: texts.notFound.title }
}

/** Makes the router of the public pages and of further ones. */
export const makeRouter = (history: RouterHistory, others: ReadonlyArray<RouteRecordRaw> = []): Router =>
  createRouter({
    history,
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
    routes: [...publicRoutes, ...others, notFound]
  })

/** Returns the title of a page. Undefined for one that sets its own. */
export const titleOf = (route: RouteLocationNormalized): string | undefined => {
  const { title } = route.meta
  return typeof title === "function" ? title(route) : title
}
