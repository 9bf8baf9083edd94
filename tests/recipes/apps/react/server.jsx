import { StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { News } from "./News.jsx";

const app = (
  <StrictMode>
    <News edition="en" />
  </StrictMode>
);
process.stdout.write(renderToString(app));
