import { createSSRApp } from "vue";
import { renderToString } from "vue/server-renderer";
import News from "./News.vue";

process.stdout.write(await renderToString(createSSRApp(News, { edition: "en" })));
