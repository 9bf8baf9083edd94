// `ws` on Node, as its manual broadcasts: sends each line of standard input to every client. Run `node ws.mjs PORT`.
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
