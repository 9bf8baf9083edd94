// Import the package as on a server, then with a registry of elements. Print what is exported and defined.
const defined = [];
const found = { main: Object.keys(await import("breaking-ticker")).sort(), before: [] };
found.define = Object.keys(await import("breaking-ticker/define")).sort();

globalThis.customElements = { get: (name) => defined.find((each) => each === name), define: (name) => defined.push(name) };
await import("breaking-ticker?again").catch(() => {}); // exports have no query: nothing happens
found.before = [...defined];
const address = import.meta.resolve("breaking-ticker/define");
await import(`${address}?with-registry`);
await import(`${address}?twice`);
found.after = defined;
console.log(JSON.stringify(found));
