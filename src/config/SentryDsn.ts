import { Option } from "effect"

/** URL that receives error reports, and the key of the project there. */
export interface SentryDsn {
  readonly envelopeUrl: string
  readonly publicKey: string
}

/** Parses `https://<key>@<host>/<project>`, also with a path before the project. */
export const parse = (text: string): Option.Option<SentryDsn> => {
  if (!URL.canParse(text)) return Option.none()
  const { host, pathname, protocol, username } = new URL(text)
  const path = /^(.*)\/(\d+)\/?$/.exec(pathname)
  if ((protocol !== "https:" && protocol !== "http:") || !/^[\w-]{1,128}$/.test(username) || path === null)
    return Option.none()
  const [, prefix = "", project = ""] = path
  return Option.some({
    envelopeUrl: `${protocol}//${host}${prefix}/api/${project}/envelope/`,
    publicKey: username
  })
}
