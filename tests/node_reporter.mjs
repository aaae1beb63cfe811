/** A line of JSON for each test, for tests/all.ts, and what tests say on stderr as it is: Node's own JUnit report does not say which file a test stands in. */
import { inspect } from "node:util";

export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type === "test:stderr") yield data.message;
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { file, name, skip, todo, details } = data;
    const verdict = skip !== undefined || todo !== undefined ? "skipped" : type === "test:pass" ? "passed" : "failed";
    const error = details.error?.cause ?? details.error;
    yield JSON.stringify({ file, name, verdict, why: verdict === "failed" ? inspect(error) : typeof skip === "string" ? skip : "" }) + "\n";
  }
}
