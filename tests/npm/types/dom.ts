// The package in plain TypeScript. Each line below a `@ts-expect-error` must be an error.
import "breaking-ticker/define";
import { BreakingTicker, Fold, nextBoardChange, type Line, type State, type TickerEventMap } from "breaking-ticker";

const ticker = document.querySelector("breaking-ticker");
if (!ticker) throw new Error("no ticker");
const element: BreakingTicker = ticker;
const made: BreakingTicker = document.createElement("breaking-ticker");

ticker.edition = "en";
ticker.lines = 5;
ticker.urgency = 2;
ticker.paused = false;
ticker.layout = "crawl";
ticker.words = { pause: "Pauză" };
ticker.pause();
ticker.resume();
const state: State = ticker.state;
const position: string = ticker.position;
const board: readonly Line[] = ticker.board;
const texts: string[] = board.map((line) => line.text);

ticker.addEventListener("ticker:line", ({ detail: { line, live } }) => console.log(line.text.length, live === true));
ticker.addEventListener("ticker:state", ({ detail }) => console.log(detail.state === "stopped"));
document.addEventListener("ticker:board", ({ detail: { board } }) => console.log(board[0]?.id));
addEventListener("ticker:line", (event: TickerEventMap["ticker:line"]) => console.log(event.detail.line.urgency));
ticker.addEventListener("click", (event) => console.log(event.clientX));

const fold = new Fold();
console.log(nextBoardChange(fold.lines(Date.now(), 10), Date.now()), element, made, state, position, texts);

// @ts-expect-error: there is no such layout
ticker.layout = "tower";
// @ts-expect-error: a number
ticker.lines = "5";
// @ts-expect-error: only the server knows the state
ticker.state = "live";
// @ts-expect-error: only the server knows the board
ticker.board = [];
// @ts-expect-error: the lines can't be changed
board.push(board[0]);
// @ts-expect-error: there is no such word
ticker.words = { halt: "Halt" };
// @ts-expect-error: the element has no such member
ticker.receive(null);
// @ts-expect-error: the event has no such detail
ticker.addEventListener("ticker:line", ({ detail }) => detail.text);
