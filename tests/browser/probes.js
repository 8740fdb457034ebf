// What the tests ask of a page, put into it after it has loaded.
globalThis.probe = (() => {
  const canvasOf = (selector) => document.querySelector(`${selector} canvas`);
  const bytesOf = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const shown = (element) => element.offsetHeight > 0;
  const folded = (text) => text.replace(/\s+/g, " ").trim();

  /** How many pixels of a chart are drawn, how many colours they have, how many pixels there are. */
  const pixels = (selector) => {
    const all = new Uint32Array(bytesOf(canvasOf(selector)).buffer);
    const drawn = all.filter((pixel) => pixel >>> 24 > 0);
    return [drawn.length, new Set(drawn).size, all.length];
  };

  /** How many pixels of a chart are of one colour of the theme, or near it. */
  const tinted = (selector, name) => {
    const canvas = canvasOf(selector);
    const hex = getComputedStyle(canvas).getPropertyValue(`--${name}`).trim();
    const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    const data = bytesOf(canvas);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] > 200 && wanted.every((want, k) => Math.abs(data[at + k] - want) < 12)) count++;
    }
    return count;
  };

  /** How many of the 25 pixels around a point of the plot, given in shares of its width and height, are drawn. */
  const washed = (selector, x, y) => {
    const canvas = canvasOf(selector);
    const frame = canvas.getBoundingClientRect();
    const plot = document.querySelector(`${selector} .u-over`).getBoundingClientRect();
    const scale = canvas.width / frame.width;
    const left = Math.round((plot.left - frame.left + x * plot.width) * scale) - 2;
    const top = Math.round((plot.top - frame.top + y * plot.height) * scale) - 2;
    const data = canvas.getContext("2d").getImageData(left, top, 5, 5).data;
    return data.filter((value, at) => at % 4 === 3 && value > 0).length;
  };

  const parts = (colour) => {
    const numbers = colour.match(/[\d.]+/g).map(Number);
    return numbers.length === 3 ? [...numbers, 1] : numbers;
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    let at = element;
    while (at && parts(getComputedStyle(at).backgroundColor)[3] < 1) at = at.parentElement;
    return parts(getComputedStyle(at ?? document.documentElement).backgroundColor);
  };

  /** The worst contrast of a visible text against what is behind it, and which text that is. */
  const contrast = () => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let worst = [99, ""];
    while (walk.nextNode()) {
      const element = walk.currentNode.parentElement;
      const text = folded(walk.currentNode.textContent);
      if (!text || !element.checkVisibility() || ["SCRIPT", "NOSCRIPT"].includes(element.tagName)) continue;
      const fore = luminance(parts(getComputedStyle(element).color));
      const back = luminance(background(element));
      const ratio = (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05);
      if (ratio < worst[0]) worst = [ratio, `${element.className}: ${text}`];
    }
    return worst;
  };

  /** What sticks out of the page sideways, other than inside what scrolls or clips by itself. */
  const outside = () =>
    [...document.body.querySelectorAll("*")]
      .filter((element) => {
        const box = element.getBoundingClientRect();
        const clipped = element.closest(".table-frame, .sr-only, svg, thead, .canvas-frame");
        return box.width > 0 && box.right > innerWidth + 0.5 && !clipped;
      })
      .map((element) => `${element.tagName}.${element.className}`);

  /** The body rows of a section's table: each cell's text, exact values and tooltips. */
  const rows = (section) =>
    [...document.querySelectorAll(`${section} .data-table tbody tr`)].map((row) =>
      [...row.children].map((cell) => ({
        text: folded(cell.textContent),
        values: [...cell.querySelectorAll("data")].map((data) => data.value),
        titles: [...cell.querySelectorAll("span[title]")].map((span) => span.title),
      })),
    );

  /** Left end and width of each bar of the waterfall, in percent. */
  const bars = () =>
    [...document.querySelectorAll(".bar-track .bar")].map((bar) => [
      bar.x.baseVal.valueInSpecifiedUnits,
      bar.width.baseVal.valueInSpecifiedUnits,
    ]);

  /** Each table: its caption, its number of column headers, and whether each row has a header. */
  const tables = () =>
    [...document.querySelectorAll("table")].map((table) => {
      const body = [...table.tBodies[0].rows].filter((row) => !row.matches(".formula-row"));
      const headed = body.every((row) => row.querySelector("th[scope=row]"));
      return [table.caption.innerText, table.querySelectorAll("th[scope=col]").length, headed];
    });

  const visible = (selector) => [...document.querySelectorAll(selector)].filter(shown).map((e) => folded(e.innerText));
  const box = (selector) => {
    const { left, top, width, height } = document.querySelector(selector).getBoundingClientRect();
    return [left, top, width, height];
  };
  return { pixels, tinted, washed, contrast, outside, rows, bars, tables, visible, box };
})();
0;
