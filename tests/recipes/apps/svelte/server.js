import { render } from "svelte/server";
import News from "./News.svelte";

process.stdout.write(render(News, { props: { edition: "en" } }).body);
