/** Name of a server's color and marker, the same in all charts. */
export type Color = "effex" | "fastify" | "raw"

export const of = (server: string): Color =>
  server.startsWith("effex") ? "effex" : server.startsWith("raw") ? "raw" : "fastify"

/** Styles for light and dark pages. Markers distinguish the servers without colors. */
export const css = `
  svg { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --grid: #d9dee3;
    --effex: #0b62b8; --fastify: #c2570c; --raw: #6e7781 }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1; --grid: #30363d;
      --effex: #58a6ff; --fastify: #f0883e; --raw: #a5adb6 }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--faint) }
  .paper { fill: var(--paper) } .title { font-size: 16px; font-weight: 600; fill: var(--ink) }
  .legend { fill: var(--ink) } .grid { stroke: var(--grid); stroke-width: 1 }
  .line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round }
  .dashed { stroke-dasharray: 6 5 }
  .effex { color: var(--effex) } .fastify { color: var(--fastify) } .raw { color: var(--raw) }
  .line, .mark { stroke: currentColor } .mark { fill: currentColor } .hollow { fill: var(--paper) }
`

/** Draws the marker of a server at a point. */
export const marker = (color: Color, x: number, y: number, isHollow: boolean): string => {
  const style = `class="mark${isHollow ? " hollow" : ""}" stroke-width="1.75"`
  switch (color) {
    case "effex":
      return `<circle cx="${x}" cy="${y}" r="4" ${style}/>`
    case "fastify":
      return `<rect x="${x - 3.5}" y="${y - 3.5}" width="7" height="7" ${style}/>`
    case "raw":
      return `<path d="M${x - 4.5} ${y + 3.5} L${x} ${y - 4.5} L${x + 4.5} ${y + 3.5} Z" ${style}/>`
  }
}
