/** What closes the viewings that are open on this page. */
const open = new Set<() => Promise<void>>();

/** @returns what to call when it is open no more */
export function whileOpen(leave: () => Promise<void>): () => void {
  open.add(leave);
  return () => open.delete(leave);
}

/** Before signing out: afterwards nobody could close them, and the service would have to wait until they are idle. Never rejects. */
export async function closeOpenViewings(): Promise<void> {
  await Promise.allSettled([...open].map((leave) => leave()));
}
