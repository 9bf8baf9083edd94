import { renderToString } from "preact-render-to-string";
import { News } from "./News.jsx";

process.stdout.write(renderToString(<News edition="en" />));
