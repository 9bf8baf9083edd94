// Run two tabs whose posts reach nobody for ten minutes, and print how many connections they opened and have, as JSON.
// Usage: node deaf.mjs <bundle>
import { readFileSync } from "node:fs";
import { Tab, World } from "./world.mjs";

const world = new World(readFileSync(process.argv[2], "utf8"), 1);
world.channels.add = () => world.channels;
for (let id = 1; id <= 2; id++) {
  world.tabs.push(new Tab(world, id, 3));
  await world.pass(10_000);
}
for (let second = 0; second < 600; second += 10) await world.pass(10_000);
console.log(JSON.stringify({ opened: world.opened, connections: world.streams.size }));
