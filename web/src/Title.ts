import { texts } from "./texts/public.ts"

/** Returns the title of the window of a page. */
export const fullTitle = (title: string | undefined): string =>
  title === undefined ? texts.app : `${title} · ${texts.app}`

/** Sets the title of the page, as browsers show it in tabs and in the history. */
export const setTitle = (title: string): void => {
  document.title = fullTitle(title)
}
