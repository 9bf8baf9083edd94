import { StrictMode } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { News } from "./News.jsx";

const place = document.querySelector("#app");
const app = (
  <StrictMode>
    <News edition="en" />
  </StrictMode>
);
const root = place.hasChildNodes() ? hydrateRoot(place, app) : createRoot(place);
if (!place.hasChildNodes()) root.render(app);
window.unmount = () => root.unmount();
