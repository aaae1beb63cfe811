/**
 * What stands at `/` where no page is given.
 *
 * @module
 */

const picture =
  "v1/curves.svg?schedule=%7B%22name%22%3A%22linear%22%2C%22options%22%3A%7B%22numWarmupSteps%22%3A50%2C%22numTrainingSteps%22%3A600%7D%7D&from=0&to=600&every=1";

/** A few links. */
export const links: string = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Glissade</title>
<h1>Glissade</h1>
<p>Learning-rate schedules and optimizer steps over HTTP: <a href="v1/plugins">what there is</a>, <a href="openapi.json">how to ask</a>.</p>
<p><img alt="A linear schedule" data-src="${picture.replaceAll("&", "&amp;")}"></p>
<script>
// Below a path without a slash at its end, relative links would lead beside it.
const base = location.pathname.replace(/\\/?$/, "/");
for (const a of document.links) a.href = base + a.getAttribute("href");
for (const image of document.images) image.src = base + image.dataset.src;
</script>
</html>
`;
