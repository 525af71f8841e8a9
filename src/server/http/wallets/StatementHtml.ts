import { createHash } from "node:crypto"

/** Movements of one asset on the page. Amounts have all decimals of the asset. */
export interface Section {
  readonly asset: string
  readonly name: string
  readonly opening: string
  readonly closing: string
}

/** A movement on the page. */
export interface Row {
  readonly id: string
  readonly type: string
  readonly change: string
  readonly balance: string
  readonly counterparty: string | null
  readonly note: string | null
  readonly reference: string | null
  readonly created_at: string
}

/** User and period of the statement. */
export interface Heading {
  readonly username: string
  readonly walletId: string
  readonly since: string
  readonly until: string
}

const STYLE = `
:root { color-scheme: light }
body { font: 11pt/1.4 system-ui, sans-serif; color: #111; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
dl { display: grid; grid-template-columns: max-content auto; gap: .1rem 1rem; margin: 1rem 0 } dd { margin: 0 }
table { width: 100%; border-collapse: collapse; font-size: .9rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid #ddd }
th:nth-last-child(-n+2), td:nth-last-child(-n+2) { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
thead { display: table-header-group } tr { break-inside: avoid }
tr.total td { font-weight: 600; border-bottom-color: #111 }
time { white-space: nowrap } small { display: block; color: #555; overflow-wrap: anywhere }
@page { margin: 15mm } @media print { body { margin: 0; max-width: none; padding: 0 } }
`

/** The page loads and runs nothing; its own style is allowed by its hash. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** Escapes text for HTML, in elements and in quoted attributes. */
export const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (match) => ENTITIES[match] ?? "")

/** Text of a user: escaped, and isolated so that it cannot reverse the direction of what follows. */
const userText = (text: string) => `<bdi>${escape(text)}</bdi>`

const time = (iso: string) =>
  `<time datetime="${escape(iso)}">${escape(iso.slice(0, 19).replace("T", " "))}</time>`

/** Start of the page, up to the first section. */
export const start = ({ since, until, username, walletId }: Heading): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Account statement of ${escape(username)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Account statement</h1>
<dl>
<dt>Account</dt><dd>${escape(username)}</dd>
<dt>Wallet</dt><dd>${escape(walletId)}</dd>
<dt>From</dt><dd>${time(since)} UTC</dd>
<dt>To</dt><dd>${time(until)} UTC (exclusive)</dd>
</dl>
`

/** Start of a section, with the opening balance. */
export const sectionStart = ({ asset, name, opening }: Section): string => `<section>
<h2>${escape(asset)}: ${escape(name)}</h2>
<table>
<thead><tr><th>Time (UTC)</th><th>Movement</th><th>Amount</th><th>Balance</th></tr></thead>
<tbody>
${totalRow("Opening balance", opening)}`

/** A row of a section. */
export const row = ({
  balance,
  change,
  counterparty,
  created_at,
  id,
  note,
  reference,
  type
}: Row): string => {
  const details = [
    ...(note === null ? [] : [userText(note)]),
    ...(reference === null ? [] : [`Reference ${userText(reference)}`]),
    escape(id)
  ]
  const other =
    counterparty === null ? "" : ` ${change.startsWith("-") ? "to" : "from"} ${escape(counterparty)}`
  return `<tr><td>${time(created_at)}</td><td>${escape(titleOf(type))}${other}${details
    .map((detail) => `<small>${detail}</small>`)
    .join("")}</td><td>${escape(change)}</td><td>${escape(balance)}</td></tr>
`
}

/** End of a section, with the closing balance. */
export const sectionEnd = ({ closing }: Section): string => `${totalRow("Closing balance", closing)}</tbody>
</table>
</section>
`

/** Replaces the sections if there are none. */
export const EMPTY = "<p>The wallet had no balance, and nothing moved in this period.</p>\n"

export const END = "</body>\n</html>\n"

const totalRow = (label: string, balance: string) =>
  `<tr class="total"><td></td><td>${label}</td><td></td><td>${escape(balance)}</td></tr>
`

/** `order.settlement` becomes `Order settlement`. */
const titleOf = (type: string) => {
  const words = type.replaceAll(/[._-]/g, " ")
  return words.charAt(0).toUpperCase() + words.slice(1)
}
