// Socket.IO, WebSocket only, its defaults otherwise (compression is off in them): standard input, a line each, to
// every client. `node socketio.mjs PORT`.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });

createInterface({ input: process.stdin }).on("line", (line) => io.emit("line", JSON.parse(line)));
http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 }, () => console.log("ready"));
