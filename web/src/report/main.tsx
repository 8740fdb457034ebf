import { render } from "preact";
import { PageView } from "../page/PageView";
import { PAGE, SCHEMA, type Page, type ResultDocument } from "../schema.gen";
import { Report } from "./Report";
import { restoreTheme } from "./theme";
import "uplot/dist/uPlot.min.css";
import "../styles/base.css";
import "../styles/headline.css";
import "../styles/tables.css";
import "../styles/charts.css";
import "../styles/page.css";
import "../styles/narrow.css";
import "../styles/page-narrow.css";
import "../styles/print.css";

/** What the file holds: a result, or the page of another command. */
function readDocument(): ResultDocument | Page {
  const data = document.getElementById("tidemill-document")?.textContent ?? "";
  if (data.trim() === "") throw new Error("this page holds no result; make one with: tidemill backtest STUDY");
  const result = JSON.parse(data) as ResultDocument | Page;
  if (result.schema !== SCHEMA && result.schema !== PAGE) {
    throw new Error(`this page reads ${SCHEMA} and ${PAGE}, the result inside it is ${result.schema}`);
  }
  return result;
}

const root = document.getElementById("report");
if (root) {
  restoreTheme();
  try {
    const read = readDocument();
    render("sections" in read ? <PageView page={read} /> : <Report document={read} />, root);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    render(<p class="failure" role="alert">The report cannot be shown: {message}.</p>, root);
    throw error;
  }
}
