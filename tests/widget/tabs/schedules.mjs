// Run random schedules of tabs, and print what went wrong as JSON. Usage: node schedules.mjs <bundle> <first> <count>
import { readFileSync } from "node:fs";
import { Tab, World } from "./world.mjs";

const [bundle, first, count] = process.argv.slice(2);
const code = readFileSync(bundle, "utf8");
const SIZES = [3, 3, 3, 5];
const STEPS = 60;

function act(world) {
  const tab = world.pick(world.tabs);
  const open = () => world.tabs.length < 6 && world.tabs.push(new Tab(world, ++world.lastId, world.pick(SIZES)));
  return world.pick([
    () => world.post(), () => world.post(), () => world.post(), () => world.post(),
    () => world.withdraw(),
    () => world.heartbeat(),
    open, open, open,
    () => tab?.close(true),
    () => tab?.close(false),
    () => tab?.isFrozen || tab?.freeze(world.random() < 0.5),
    () => tab?.isFrozen && tab.thaw(),
    () => tab?.isFrozen && tab.thaw(),
    () => tab?.isFrozen || tab?.show(false),
    () => tab?.isFrozen || tab?.show(true),
    () => world.random() < 0.3 && world.kill(),
    () => (world.isUp = true),
  ])();
}

/** Return what is wrong once everything has come to rest. */
function faults(world) {
  const found = [];
  const say = (tab, text) => found.push(`tab ${tab.id} (${tab.link.state}): ${text}`);
  for (const tab of world.tabs) {
    const shown = tab.link.fold.lines(world.now, tab.size).map(({ text }) => text);
    // After a withdrawal, a board has fewer lines than a new one: no older line takes the place.
    const expected = world.board(Infinity).map(({ text }) => text).filter((text) => shown.includes(text));
    if (tab.link.state !== "live") say(tab, "it isn't live");
    else if (`${expected}` !== `${shown}`) say(tab, `it shows ${shown}, not ${expected}`);
    tab.boards.forEach(({ at, lines }, number) => {
      const end = tab.boards[number + 1]?.at ?? world.log.length;
      const due = world.log.slice(at, end).filter(({ matches }) => matches);
      const texts = due.map(({ line }) => `${line.id} ${line.version}`);
      const isLast = number === tab.boards.length - 1;
      // A board may come instead of the last lines: those count as seen.
      if (`${isLast ? texts : texts.slice(0, lines.length)}` !== `${lines}`)
        say(tab, `after ${at} it got ${lines}, not ${texts}`);
    });
  }
  return found;
}

async function run(seed) {
  const world = new World(code, seed);
  world.lastId = 0;
  for (let step = 0; step < STEPS; step++) {
    act(world);
    await world.settle(Math.floor(world.random() * 12));
    if (world.random() < 0.5) await world.pass(world.pick([100, 1_000, 3_000, 12_000]));
  }
  world.isUp = true;
  for (const tab of world.tabs) {
    if (tab.isFrozen) tab.thaw();
    tab.show(true);
  }
  for (let second = 0; second < 300; second += 10) await world.pass(10_000);
  world.post();
  await world.settle();
  await world.pass(20_000);
  const separate = world.tabs.length && world.streams.size - 1;
  if (separate < 0) throw new Error(`no connection in schedule ${seed}`);
  return { seed, tabs: world.tabs.length, separate, opened: world.opened, faults: faults(world) };
}

const results = [];
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) results.push(await run(seed));
console.log(JSON.stringify(results));
