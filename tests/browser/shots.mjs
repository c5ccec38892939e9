// Pictures of every page: node shots.mjs FOLDER
import { mkdirSync } from 'node:fs';
import { Monitor, fill, openBrowser } from './lab.mjs';
import { open, pages, widths } from './pages.mjs';

const folder = process.argv[2] ?? 'shots';
mkdirSync(folder, { recursive: true });
const monitor = await Monitor.start();
const browser = await openBrowser();
try {
  await fill(monitor);
  for (const theme of ['light', 'dark']) {
    for (const [name, path] of Object.entries(pages)) {
      for (const [size, width] of Object.entries(widths)) {
        const page = await open(browser, monitor, path, { theme, width });
        await page.screenshot({ path: `${folder}/${name}-${theme}-${size}.png`, fullPage: true });
        await page.context().close();
      }
    }
  }
} finally {
  await browser.close();
  await monitor.stop();
}
