// Socket.IO, WebSocket only, otherwise its defaults (without compression): sends each line of standard input to every
// client. Run `node socketio.mjs PORT`.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });

createInterface({ input: process.stdin }).on("line", (line) => io.emit("line", JSON.parse(line)));
http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 }, () => console.log("ready"));
