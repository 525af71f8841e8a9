import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import * as Pages from "../Pages.ts"
import { CALL_OPTIONS, type CallOptions, type RequestInput, send, type ServerAccess } from "../Requests.ts"

/** Options of a list. */
export interface ListOptions extends CallOptions {
  /** Rows per request, 1 to 1000. Default: 50. */
  readonly pageSize?: number | undefined
}

/** Why an administrator acts. It is recorded. */
export interface Reason {
  readonly reason: string
}

/** Makes requests of an administrator. `name` is that of the call, for errors. */
export const make = (access: ServerAccess) => {
  const request = async <A>(name: string, input: RequestInput, field: string, options: CallOptions) => {
    Options.requireKnown(name, options, CALL_OPTIONS)
    const response = await send(
      access,
      { ...input, path: `/api/v1/admin${input.path}`, as: "user" },
      field,
      options
    )
    return Json.decode<A>(response)
  }
  return {
    get: <A>(name: string, path: string, field: string, options: CallOptions = {}) =>
      request<A>(name, { path }, field, options),

    send: <A>(name: string, input: RequestInput, field: string, options: CallOptions = {}) =>
      request<A>(name, input, field, options),

    /** Returns a list whose filters are options. */
    list: <A>(name: string, path: string, options: ListOptions, filters: ReadonlyArray<string> = []) => {
      Options.requireKnown(name, options, [...filters, "pageSize", ...CALL_OPTIONS])
      const query: Record<string, string | undefined> = { page_size: Options.pageSize(options.pageSize) }
      for (const filter of filters) query[filter] = textOf(filter, Reflect.get(options, filter))
      return Pages.read<A>(access, { path: `/api/v1/admin${path}`, query, as: "user" }, options)
    }
  }
}

const textOf = (name: string, value: unknown) => {
  if (value === undefined || typeof value === "string") return value
  throw Options.invalid(name, "text", value)
}

export type AdminRequests = ReturnType<typeof make>
