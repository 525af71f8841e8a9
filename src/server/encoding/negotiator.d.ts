/** The published types lack the options of `encoding`. */
declare module "negotiator" {
  export default class Negotiator {
    constructor(request: { readonly headers: Readonly<Record<string, string | undefined>> })
    mediaType(available: ReadonlyArray<string>): string | undefined
    /** `preferred` orders codings of equal quality. */
    encoding(
      available: ReadonlyArray<string>,
      options: { readonly preferred: ReadonlyArray<string> }
    ): string | undefined
  }
}
