/** The database with every migration applied, which each test database is cloned from. */
export const MIGRATED_TEMPLATE = "effex_template"

/** Returns the URL of a database behind a PostgreSQL socket. */
export const make = (socket: string, database: string): string => {
  const folder = socket.slice(0, socket.lastIndexOf("/"))
  return `postgres:///${database}?user=effex&host=${encodeURIComponent(folder)}`
}
