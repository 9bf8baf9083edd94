import { hydrate, render } from "preact";
import { News } from "./News.jsx";

const place = document.querySelector("#app");
(place.hasChildNodes() ? hydrate : render)(<News edition="en" />, place);
window.unmount = () => render(null, place);
