// Opens a report in headless Chromium at desk and phone width, in light and dark, and prints
// as JSON what is wrong with it.
//
//     npm install --prefix TOOLS playwright-core axe-core
//     node benchmarks/comparison/browser.mjs TOOLS report.html [FOLDER for screenshots]
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [tools, report, shots] = process.argv.slice(2);
const require = createRequire(resolve(tools, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const profile = mkdtempSync(join(tmpdir(), "report-"));
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// What reaches beyond the window, but for what scrolls within itself.
const outside = () => {
  const width = document.documentElement.clientWidth;
  const found = [...document.querySelectorAll("body *")].filter((element) => {
    if (element.parentElement.closest(".scroll, pre")) return false;
    const { left, right, width: own } = element.getBoundingClientRect();
    return own > 0 && (right > width + 0.5 || left < -0.5);
  });
  const names = found.map((element) => element.outerHTML.slice(0, 80));
  return document.documentElement.scrollWidth > width ? ["the page itself", ...names] : names;
};
const unnamed = () => [...document.querySelectorAll("svg, img")]
  .map((picture) => picture.closest("[role=img]") ?? picture)
  .filter((picture) => picture.checkVisibility())
  .filter((picture) => {
    const ids = (picture.getAttribute("aria-labelledby") ?? "").split(" ");
    const text = ids.map((id) => document.getElementById(id)?.textContent ?? "").join("");
    return !(text || picture.getAttribute("alt"));
  }).map((picture) => picture.outerHTML.slice(0, 80));

const browser = await chromium.launchPersistentContext(profile,
  { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
const found = [];
for (const [width, height] of [[1280, 900], [390, 844]]) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await browser.newPage();
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.goto(pathToFileURL(resolve(report)).href);
    if (shots) {
      await page.screenshot({ path: join(shots, `report-${width}-${colorScheme}.png`) });
      await page.screenshot({ path: join(shots, `report-${width}-${colorScheme}-whole.png`),
        fullPage: true });
    }
    const closed = await page.evaluate(outside);
    const mark = page.locator("circle[data-tip]:visible").last();
    await mark.scrollIntoViewIfNeeded();
    await mark.hover({ force: true });
    const tip = await page.locator("#tip").textContent();
    const touched = await page.evaluate(outside);
    await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
    await page.evaluate(axe);
    const faults = await page.evaluate(() => window.axe.run());
    found.push({
      width, colorScheme, console: said, tip,
      outside: [...closed, ...touched, ...await page.evaluate(outside)],
      unnamed: await page.evaluate(unnamed),
      axe: faults.violations.map((fault) =>
        `${fault.impact}: ${fault.id}: ${fault.nodes[0].html.slice(0, 120)}`),
    });
    await page.close();
  }
}
await browser.close();
rmSync(profile, { recursive: true, force: true });
console.log(JSON.stringify(found, null, 1));
