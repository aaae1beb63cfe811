/**
 * Where the service behind the page is. Its paths are relative to the page, which may stand at `/optim/` or, where it is mounted in another app, at
 * `/optim`: from there `v1/plugins` would be asked of the wrong one.
 *
 * @module
 */

/** Addresses that the service's paths may begin with, the likeliest first; each ends with a slash. */
export function basesOf(address: string): readonly string[] {
  const page = address.replace(/[?#][^]*$/, "");
  const folder = page.slice(0, page.lastIndexOf("/") + 1);
  // A file is in a folder, and so is what ends with a slash; else the last part may be the service's own place, or a page beside it.
  if (page === folder || !page.startsWith("http") || /\.html?$/i.test(page)) return [folder];
  return [`${page}/`, folder];
}
