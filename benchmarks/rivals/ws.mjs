// Node's `ws`, as its manual broadcasts: standard input, a line each, to every client. `node ws.mjs PORT`.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });

createInterface({ input: process.stdin }).on("line", (line) => {
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(line);
  }
});
http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 }, () => console.log("ready"));
