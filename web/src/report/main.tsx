import { render } from "preact";
import { SCHEMA, type ResultDocument } from "../schema.gen";
import { Report } from "./Report";
import { restoreTheme } from "./theme";
import "uplot/dist/uPlot.min.css";
import "../styles/base.css";
import "../styles/headline.css";
import "../styles/tables.css";
import "../styles/charts.css";
import "../styles/narrow.css";
import "../styles/print.css";

function readDocument(): ResultDocument {
  const data = document.getElementById("tidemill-document")?.textContent ?? "";
  if (data.trim() === "") throw new Error("this page holds no result; make one with: tidemill backtest STUDY");
  const result = JSON.parse(data) as ResultDocument;
  if (result.schema !== SCHEMA) throw new Error(`this page reads ${SCHEMA}, the result inside it is ${result.schema}`);
  return result;
}

const root = document.getElementById("report");
if (root) {
  restoreTheme();
  try {
    render(<Report document={readDocument()} />, root);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    render(<p class="failure" role="alert">The report cannot be shown: {message}.</p>, root);
    throw error;
  }
}
