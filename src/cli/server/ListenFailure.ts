import { Predicate } from "effect"

/** Describes why a server cannot listen. Undefined for any other error. */
export const describe = (error: unknown): string | undefined => {
  if (!Predicate.hasProperty(error, "syscall")) return undefined
  const code = Predicate.hasProperty(error, "code") ? String(error.code) : ""
  const address = Predicate.hasProperty(error, "address") ? String(error.address) : "HOST"
  const port = Predicate.hasProperty(error, "port") ? String(error.port) : "PORT"
  if (error.syscall === "getaddrinfo" && code === "ENOTFOUND")
    return "HOST is not an address of this machine; set it to an IP address such as 127.0.0.1, or 0.0.0.0 for all"
  if (error.syscall !== "listen") return undefined
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} of ${address} is in use by another program (EADDRINUSE); stop it, or use another port with --port or PORT`
    case "EACCES":
      return `This user may not listen on port ${port}; use a port from 1024 with --port or PORT`
    case "EADDRNOTAVAIL":
      return `${address} is not an address of this machine; set HOST to one, or to 0.0.0.0 for all`
    default:
      return undefined
  }
}
