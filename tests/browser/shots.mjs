// Pictures of every page: node shots.mjs FOLDER
import { mkdirSync } from 'node:fs';
import { Monitor, fill, openBrowser, until } from './lab.mjs';
import { open, pages, widths } from './pages.mjs';

const kLabel = { factory: 'BNL-gridui11', name: 'SITE_1-ce.example.org' };

const folder = process.argv[2] ?? 'shots';
mkdirSync(folder, { recursive: true });
const monitor = await Monitor.start();
const browser = await openBrowser();
try {
  await fill(monitor);
  await until('an alarm', async () => (await (await fetch(`${monitor.url}/api/v1/report`)).json()).items.length > 0);
  const charted = `${monitor.url}/api/v1/history?${new URLSearchParams({ ...kLabel, range: '12h' })}`;
  await until('figures over time', async () => (await (await fetch(charted)).json()).rows.length > 0);
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
