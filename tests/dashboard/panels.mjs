// Draw the panels of a dashboard with Grafana's own components (@grafana/ui) from recorded answers of Prometheus.
// `draw` is a global function. It does what Grafana does between an answer and a panel: it names the series, applies
// the defaults of the two kinds of panels, and lays the panels out on a grid of 24 columns.

import {
  applyFieldOverrides, createTheme, dateTime, FieldType, getFieldDisplayValues, ThemeContext, toDataFrame,
} from "@grafana/data";
import {
  BigValue, BigValueColorMode, BigValueGraphMode, GlobalStyles, PanelChrome, TimeSeries,
} from "@grafana/ui";
import { createElement as element } from "react";
import { createRoot } from "react-dom/client";
import "uplot/dist/uPlot.min.css";

const WIDTH = 1600, COLUMNS = 24, ROW = 30, GAP = 8;
const theme = createTheme({ colors: { mode: "dark" } });

// The defaults of Grafana for a panel whose file says nothing else.
const THRESHOLDS = { mode: "absolute", steps: [{ value: null, color: "green" }, { value: 80, color: "red" }] };
const DEFAULTS = {
  stat: { thresholds: THRESHOLDS, color: { mode: "thresholds" } },
  timeseries: { thresholds: THRESHOLDS, color: { mode: "palette-classic" } },
};

const nameOf = (legend, labels) => legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "").trim();

const framesOf = (panel, answers, recording) => {
  const { start, end, step } = recording;
  const defaults = { ...DEFAULTS[panel.type], ...panel.fieldConfig.defaults };
  const frames = answers.flatMap(({ expr, series }) => {
    const { instant, legendFormat } = panel.targets.find(target => target.expr === expr);
    const times = instant ? [end * 1000] : Array.from(series[0]?.values ?? [], (_, at) => (start + at * step) * 1000);
    return series.map(({ labels, values }) => toDataFrame({
      fields: [
        { name: "Time", type: FieldType.time, values: times, config: { interval: step * 1000 } },
        { name: "Value", type: FieldType.number, values, labels,
          config: { ...defaults, displayNameFromDS: nameOf(legendFormat, labels) } },
      ],
    }));
  });
  return applyFieldOverrides({
    data: frames, fieldConfig: { defaults: {}, overrides: [] }, replaceVariables: text => text, theme, timeZone: "utc",
  });
};

const noData = element("div", { style: { padding: 16, textAlign: "center", opacity: 0.6 } }, "No data");

const statOf = (panel, data, width, height) => {
  const { reduceOptions, colorMode, graphMode, justifyMode, textMode } = panel.options ?? {};
  const [shown] = getFieldDisplayValues({
    data, theme, timeZone: "utc", replaceVariables: text => text,
    fieldConfig: { defaults: {}, overrides: [] },
    reduceOptions: reduceOptions ?? { calcs: ["lastNotNull"] },
  });
  return element(BigValue, {
    width, height, theme, value: shown.display, justifyMode, textMode, count: 1,
    colorMode: colorMode ?? BigValueColorMode.Value, graphMode: graphMode ?? BigValueGraphMode.Area,
  });
};

const graphOf = (panel, frames, width, height, { start, end }) => {
  const [from, to] = [dateTime(start * 1000), dateTime(end * 1000)];
  return element(TimeSeries, {
    frames, structureRev: 1, width, height, timeRange: { from, to, raw: { from, to } }, timeZone: "utc",
    legend: panel.options.legend,
  });
};

const panelOf = (panel, index, recording) => {
  const frames = framesOf(panel, recording.answers.filter(answer => answer.panel === index), recording);
  const [width, height] = [panel.gridPos.w * (WIDTH + GAP) / COLUMNS - GAP, panel.gridPos.h * (ROW + GAP) - GAP];
  return element(PanelChrome, {
    width, height, title: panel.title, description: panel.description,
    children: (inner, tall) => !frames.length ? noData
      : panel.type === "stat" ? statOf(panel, frames, inner, tall)
      : graphOf(panel, frames, inner, tall, recording),
  });
};

const cellOf = (panel, index, recording) => {
  const { x, y } = panel.gridPos;
  const style = { position: "absolute", left: x * (WIDTH + GAP) / COLUMNS, top: y * (ROW + GAP) };
  const row = element("div", { style: { font: "500 16px sans-serif", paddingTop: 6 } }, `⌄ ${panel.title}`);
  return element("div", { style, key: index }, panel.type === "row" ? row : panelOf(panel, index, recording));
};

globalThis.draw = (dashboard, recording) => {
  const rows = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const style = { position: "relative", width: WIDTH, height: rows * (ROW + GAP), margin: 16 };
  const cells = dashboard.panels.map((panel, index) => cellOf(panel, index, recording));
  const page = element("div", { id: "dashboard", style }, cells);
  createRoot(document.body.firstElementChild)
    .render(element(ThemeContext.Provider, { value: theme }, element(GlobalStyles), page));
};
