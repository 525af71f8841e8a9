import { texts } from "./texts/public.ts"

/** Sets the title of the page, as browsers show it in tabs and in the history. */
export const setTitle = (title: string): void => {
  document.title = `${title} · ${texts.app}`
}
