import { createSSRApp } from "vue"
import { renderToString } from "vue/server-renderer"
import { createMemoryHistory } from "vue-router"
import App from "./App.vue"
import * as RateStore from "./rates/RateStore.ts"
import { makeRouter, titleOf } from "./router.ts"
import { fullTitle } from "./Title.ts"

/** A public page as HTML. */
export interface RenderedPage {
  readonly title: string
  /** Content of the element `#app`. */
  readonly html: string
}

/**
 * Renders a public page with the data that it contains. One at a time: the data is that of the whole app.
 */
export const render = async (path: string, json: string): Promise<RenderedPage> => {
  RateStore.load(json)
  const router = makeRouter(createMemoryHistory())
  await router.push(path)
  const html = await renderToString(createSSRApp(App).use(router))
  return { title: fullTitle(titleOf(router.currentRoute.value)), html }
}
