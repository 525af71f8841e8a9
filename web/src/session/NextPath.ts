/**
 * Returns the page to open after signing in: the path of an address that the query parameter `next` has, or undefined if it
 * is not an address of this app.
 */
export const nextPath = (next: unknown, origin: string): string | undefined => {
  if (typeof next !== "string" || !next.startsWith("/") || !URL.canParse(next, origin)) return undefined
  const url = new URL(next, origin)
  // A path such as `/.//evil.example` becomes `//evil.example`, which is another host.
  const isOwnPage =
    url.origin === origin && !/^\/(\/|(sign-in|sign-up|api|docs|rpc|ws)(\/|$))/.test(url.pathname)
  return isOwnPage ? `${url.pathname}${url.search}${url.hash}` : undefined
}
