// Read feeds with feedsmith: one JSON object {kind, document} per line of standard input, one answer per line.
import { createInterface } from "node:readline";
import { parseAtomFeed, parseJsonFeed, parseRssFeed } from "feedsmith";

const READERS = {
  json: (document) =>
    (parseJsonFeed(document).items ?? []).map((item) => [
      item.id, item.title, item.content_text, item.date_published, item.date_modified,
    ]),
  atom: (document) =>
    (parseAtomFeed(document).entries ?? []).map((entry) => [
      entry.id, entry.title.value, entry.content.value, entry.published, entry.updated,
    ]),
  rss: (document) =>
    (parseRssFeed(document).items ?? []).map((item) => [
      item.guid.value, item.title, item.description, new Date(item.pubDate).toISOString(), item.atom.updated,
    ]),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { kind, document } = JSON.parse(line);
  console.log(JSON.stringify(READERS[kind](document)));
}
