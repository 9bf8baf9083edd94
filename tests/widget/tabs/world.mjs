// A browser for the tabs of one site, with a gateway, under one deterministic scheduler: what happens next is random,
// but the same for the same seed. Each tab runs the real module in a context of its own.
import vm from "node:vm";

const flush = () => new Promise(setImmediate);

export class World {
  now = 1_000_000;
  heartbeatAt = 1_000_000;
  tabs = [];
  tasks = []; // { tab, queue, run }: only the first task of each queue may run
  timers = [];
  channels = new Set();
  locks = new Map(); // name -> { held, pending }
  log = []; // entries: { seq, line, matches }
  streams = new Set();
  isUp = true;
  opened = 0; // streams

  constructor(code, seed) {
    this.code = code;
    this.state = seed * 2654435761 + 1;
  }

  random() {
    this.state = (this.state * 1664525 + 1013904223) % 4294967296;
    return this.state / 4294967296;
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  task(tab, queue, run) {
    this.tasks.push({ tab, queue, run });
  }

  // Time passes, and tabs do what is due

  async run(task) {
    this.tasks = this.tasks.filter((each) => each !== task);
    if (!task.tab.isClosed) task.run();
    await flush();
  }

  ready() {
    const seen = new Set();
    return this.tasks.filter(({ tab, queue }) => {
      const isFirst = !seen.has(queue);
      seen.add(queue);
      return isFirst && !tab.isFrozen;
    });
  }

  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = this.timers.filter(({ at, tab }) => at <= end && !tab.isFrozen && !tab.isClosed);
      const next = due.sort((left, right) => left.at - right.at)[0];
      if (!next) break;
      this.now = Math.max(this.now, next.at);
      this.timers = this.timers.filter((each) => each !== next);
      while (next.at > this.heartbeatAt + 25_000) (this.heartbeatAt += 25_000), this.heartbeat();
      next.act();
      await flush();
      await this.settle();
    }
    this.now = end;
  }

  async settle(most = Infinity) {
    for (let ready = this.ready(); ready.length && most-- > 0; ready = this.ready()) await this.run(this.pick(ready));
  }

  // The lock manager

  lock(name) {
    if (!this.locks.has(name)) this.locks.set(name, { held: null, pending: [] });
    return this.locks.get(name);
  }

  requestLock(tab, name, options, callback) {
    const lock = this.lock(name);
    return new tab.Promise((resolve, reject) => {
      const request = { tab, resolve, reject, callback };
      const failed = () => Object.assign(new tab.Error("aborted"), { code: 20 }); // a DOMException: ABORT_ERR
      if (options.steal) {
        const victim = lock.held;
        if (victim) this.task(victim.tab, `lock ${victim.tab.id}`, () => victim.reject(failed()));
        lock.held = null;
        this.grant(lock, request);
      } else if (options.ifAvailable && (lock.held || lock.pending.length)) {
        this.task(tab, `lock ${tab.id}`, () => resolve(callback(null)));
      } else {
        lock.pending.push(request);
        options.signal?.addEventListener("abort", () => {
          if (!lock.pending.includes(request)) return;
          lock.pending = lock.pending.filter((each) => each !== request);
          reject(failed());
        });
        this.grantNext(lock);
      }
    });
  }

  grant(lock, request) {
    lock.held = request;
    this.task(request.tab, `lock ${request.tab.id}`, async () => {
      const result = await request.callback({});
      request.resolve(result);
      if (lock.held === request) this.release(lock);
    });
  }

  release(lock) {
    lock.held = null;
    this.grantNext(lock);
  }

  grantNext(lock) {
    if (!lock.held && lock.pending.length) this.grant(lock, lock.pending.shift());
  }

  // The gateway

  position(seq) {
    return `${seq}-history`;
  }

  board(size) {
    const lines = new Map();
    for (const { line, matches } of this.log) if (matches) lines.set(line.id, line);
    const usable = [...lines.values()].filter(({ status }) => status === "usable").sort((a, b) => b.number - a.number);
    return usable.slice(0, size);
  }

  openStream(stream, url) {
    const { searchParams } = new URL(url);
    const after = searchParams.get("after");
    this.task(stream.tab, stream.queue, () => {
      if (!this.isUp) return stream.fail();
      this.streams.add(stream);
      this.opened++;
      const head = this.log.length;
      if (after) for (const entry of this.log.slice(parseInt(after))) this.send(stream, entry);
      else
        stream.send({
          type: "board", position: this.position(head), edition: { name: "en" },
          lines: this.board(Number(searchParams.get("lines"))),
        });
      stream.send({ type: "live", position: this.position(head), replayed: 0, now: new Date(this.now).toISOString() });
    });
  }

  send(stream, { seq, line, matches }) {
    if (matches) stream.send({ type: "line", position: this.position(seq), line });
  }

  append(line, matches) {
    const entry = { seq: this.log.length + 1, line, matches };
    this.log.push(entry);
    for (const stream of this.streams) this.send(stream, entry);
  }

  post() {
    const number = this.log.length + 1;
    const fields = { version: 1, number, change: "new", status: "usable", lang: "en", dir: "ltr", urgency: 4 };
    this.append({ id: `l${number}`, text: `Line ${number}`, ...fields }, this.random() < 0.7);
  }

  withdraw() {
    const latest = this.pick(this.log.filter(({ line }) => line.status === "usable" && line.version === 1));
    if (!latest || this.log.some(({ line }) => line.id === latest.line.id && line.version > 1)) return;
    const line = { ...latest.line, version: 2, text: "", status: "canceled", change: "withdraw" };
    // A notice would take part in the board's order; this one has expired, so it never shows.
    this.append({ ...line, expires_at: new Date(0).toISOString() }, latest.matches);
  }

  heartbeat() {
    for (const stream of this.streams) stream.send({ type: "heartbeat", position: this.position(this.log.length) });
  }

  kill() {
    this.isUp = false;
    for (const stream of this.streams) stream.fail();
    this.streams.clear();
  }
}

export class Tab {
  isFrozen = false;
  isClosed = false;
  listeners = [];
  boards = []; // each: { at, lines: the texts of new lines after it }

  constructor(world, id, size) {
    Object.assign(this, { world, id, size });
    this.sandbox = this.globals();
    const context = vm.createContext(this.sandbox);
    Object.assign(this, vm.runInContext("({ Promise, Error })", context));
    vm.runInContext(world.code, context);
    const { Link } = this.sandbox.ticker;
    this.link = new Link("https://ticker.example/v1/en");
    this.isVisible = true;
    this.member = { size: () => size, isVisible: () => this.isVisible, receive: (message, isNew) => this.receive(message, isNew) };
    this.link.members.add(this.member);
    this.link.adjust();
  }

  receive(message, isNew) {
    if (message?.type === "board") this.boards.push({ at: parseInt(message.position), lines: [] });
    if (isNew) this.boards.at(-1).lines.push(`${message.line.id} ${message.line.version}`);
  }

  globals() {
    const tab = this;
    const { world } = this;
    let timerId = 0;
    class EventSource extends EventTarget {
      constructor(url) {
        super();
        this.tab = tab;
        this.queue = `stream ${tab.id} ${world.opened} ${world.random()}`;
        world.openStream(this, url);
      }
      send(message) {
        world.task(tab, this.queue, () => this.event(message.type, { data: JSON.stringify(message) }));
      }
      fail() {
        world.task(tab, this.queue, () => this.event("error", {}));
      }
      event(type, fields) {
        if (!this.isClosed) this.dispatchEvent(Object.assign(new Event(type), fields));
      }
      close() {
        this.isClosed = true;
        world.streams.delete(this);
        world.tasks = world.tasks.filter(({ queue }) => queue !== this.queue);
      }
    }
    class BroadcastChannel {
      constructor(name) {
        Object.assign(this, { name, tab });
        world.channels.add(this);
      }
      postMessage(data) {
        const text = JSON.stringify(data);
        for (const other of world.channels)
          if (other !== this && other.name === this.name && !other.tab.isClosed)
            world.task(other.tab, `channel ${tab.id} ${other.tab.id}`, () => {
              if (world.channels.has(other)) other.onmessage({ data: JSON.parse(text) });
            });
      }
      close() {
        world.channels.delete(this);
      }
    }
    class FakeDate extends Date {
      static now = () => world.now;
    }
    return {
      EventSource, BroadcastChannel, URL, AbortController, console,
      Date: FakeDate,
      Math: Object.assign(Object.create(Math), { random: () => world.random() }),
      WebSocket: EventSource,
      navigator: {
        onLine: true,
        locks: { request: (name, options, callback) => world.requestLock(tab, name, options, callback) },
      },
      document: { hidden: false },
      fetch: async () => {
        if (!world.isUp) throw new Error("the gateway is down");
        return { ok: true, status: 200 };
      },
      setTimeout: (act, delay = 0) => (world.timers.push({ tab, id: ++timerId, at: world.now + delay, act }), timerId),
      clearTimeout: (id) => (world.timers = world.timers.filter((each) => each.tab !== tab || each.id !== id)),
      addEventListener: (type, act) => tab.listeners.push({ type, act }),
    };
  }

  event(type) {
    for (const each of this.listeners) if (each.type === type) each.act();
  }

  /** Freeze the tab: with an event, or as a page does that hangs. */
  freeze(hasEvent) {
    if (hasEvent) this.event("freeze");
    this.isFrozen = true;
  }

  thaw() {
    this.isFrozen = false;
    this.event("resume");
  }

  show(isVisible) {
    this.isVisible = isVisible;
    this.sandbox.document.hidden = !isVisible;
    this.event("visibilitychange");
  }

  /** Close the tab, with its events, or without them as after a crash. */
  close(hasEvent) {
    if (hasEvent) this.event("pagehide");
    this.isClosed = true;
    const { world } = this;
    world.tabs = world.tabs.filter((each) => each !== this);
    for (const stream of [...world.streams]) if (stream.tab === this) world.streams.delete(stream);
    for (const channel of [...world.channels]) if (channel.tab === this) world.channels.delete(channel);
    for (const lock of world.locks.values()) {
      lock.pending = lock.pending.filter(({ tab }) => tab !== this);
      if (lock.held?.tab === this) world.release(lock);
    }
  }
}
