import { hydrate, mount, unmount } from "svelte";
import News from "./News.svelte";

const target = document.querySelector("#app");
const app = (target.hasChildNodes() ? hydrate : mount)(News, { target, props: { edition: "en" } });
window.unmount = () => unmount(app);
