/** Example of one operation. Parameters are text, as in a URL or a header. */
export interface Example {
  readonly parameters?: Readonly<Record<string, string>>
  readonly request?: object
  readonly response?: object
  /** Response with status 202, if it differs. */
  readonly accepted?: object
}

/** Examples by operation id. */
export type Examples = Readonly<Record<string, Example>>
