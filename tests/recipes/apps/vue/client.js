import { createApp, createSSRApp } from "vue";
import News from "./News.vue";

const place = document.querySelector("#app");
const app = (place.hasChildNodes() ? createSSRApp : createApp)(News, { edition: "en" });
app.mount(place);
window.unmount = () => app.unmount();
