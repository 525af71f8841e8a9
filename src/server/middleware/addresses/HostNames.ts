import { Option } from "effect"
import { isIP } from "node:net"

/**
 * Host names under which effex accepts to be reached. DNS rebinding makes a page of `attacker.example` reach a server in a
 * private network under the attacker's name, with an equal `Origin` and `Host`. It cannot use an IP address, `localhost`
 * or a name without a dot, because those are not the attacker's to resolve.
 */
export interface HostNames {
  /** Returns true if pages of this server can have the host. */
  readonly isOwn: (host: string) => boolean
  /** Returns false if `PUBLIC_URL` is set and a request names another host than this server's. */
  readonly isAccepted: (host: string | undefined) => boolean
}

/** `publicUrl` is the URL of the server for its users. Without one, every `Host` is accepted. */
export const make = (publicUrl: Option.Option<string>): HostNames => {
  const publicHost = Option.getOrUndefined(Option.map(publicUrl, (url) => new URL(url).hostname))
  const isOwn = (host: string) => {
    const name = nameOf(host)
    return name !== undefined && (name === publicHost || isUnresolvable(name))
  }
  return {
    isOwn,
    isAccepted: (host) => publicHost === undefined || host === undefined || isOwn(host)
  }
}

/** Returns true for names that no public DNS resolves. */
const isUnresolvable = (name: string) =>
  !name.includes(".") || isIP(name) !== 0 || name.startsWith("[") || name.endsWith(".localhost")

/** Returns the name of a `Host` header in lower case, without its port; undefined if it is not valid. */
const nameOf = (host: string) => {
  const url = `http://${host}`
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") : undefined
}
