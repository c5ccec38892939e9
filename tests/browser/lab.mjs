// A monitor of its own with made-up factories, and a browser to look at it.
import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const bin = process.env.APF_BIN_DIR ?? new URL('../../build/bin', import.meta.url).pathname;
const kPatience = 120000;

export async function until(what, holds) {
  for (const end = Date.now() + kPatience; Date.now() < end; await sleep(50)) {
    const value = await holds();
    if (value) return value;
  }
  throw new Error(`in vain: ${what}`);
}

export const kLines = 20000;
export const hostileLine = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>';
const line = (i) => (i === 3 ? 'a needle near the start' : i === kLines - 2 ? hostileLine : `2026-11-22 12:00:00 | pilot log line ${i} of a job that goes well`);
const logText = Array.from({ length: kLines }, (_, i) => line(i)).join('\n');

// Where the factory serves its pilots' files. It knows ranges; below /plain it does not.
function serveLogs() {
  const server = createServer((request, response) => {
    if (!request.url.endsWith('.out')) return response.writeHead(404).end();
    const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    if (first === undefined || request.url.includes('/plain')) return response.end(logText);
    const from = first === '' ? Math.max(0, logText.length - Number(last)) : Number(first);
    const to = first === '' || last === '' ? logText.length : Math.min(logText.length, Number(last) + 1);
    if (from >= to) return response.writeHead(416, { 'Content-Range': `bytes */${logText.length}` }).end();
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${to - 1}/${logText.length}` }).end(logText.slice(from, to));
  });
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server)); });
}

export class Monitor {
  static async start() {
    const folder = mkdtempSync(join(tmpdir(), 'apf-browser-'));
    const data = join(folder, 'data');
    writeFileSync(join(folder, 'monitor.toml'), '[links]\npayload = "https://bigpanda.example.org/job?pandaid={id}"\nqueue = "https://bigpanda.example.org/queue/{queue}"\n');
    const child = spawn(join(bin, 'apf-monitor'), ['run', '--data', data, '--config', join(folder, 'monitor.toml'), '--listen', '127.0.0.1:0'],
      { stdio: ['ignore', 'inherit', 'inherit'] });
    const monitor = new Monitor();
    const logs = await serveLogs();
    Object.assign(monitor, { folder, child, logs, logsUrl: `http://127.0.0.1:${logs.address().port}/logs` });
    const file = join(data, 'address');
    const address = await until('the address', () => existsSync(file) && readFileSync(file, 'utf8').trim());
    monitor.url = address.includes('://') ? address : `http://${address}`;
    return monitor;
  }

  async tell(news) {
    const response = await fetch(`${this.url}/api/v1/news`, { method: 'POST', body: JSON.stringify(news) });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  }

  adminToken(name) {
    return execFileSync(join(bin, 'apf-monitor'), ['token', 'create', '--admin', '--data', join(this.folder, 'data'), name], { encoding: 'utf8' }).trim();
  }

  async stop() {
    const ended = new Promise((resolve) => { this.child.once('exit', resolve); });
    this.child.kill('SIGTERM');
    await ended;
    this.logs.closeAllConnections();
    this.logs.close();
    rmSync(this.folder, { recursive: true });
  }
}

export const openBrowser = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--force-color-profile=srgb'],
});

const minutes = (n) => Math.round(Date.now() - n * 60000);
export const hostile = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>';

// Two factories, one of them with a node that eats pilots and with names that would like to be scripts.
export async function fill(monitor) {
  const decision = (ready, out) => `Ready:in=0,activated=${ready},pending=4,ret=${ready - 4};Scale:in=${ready - 4},factor=1.0,ret=${ready - 4};MaxPerCycle:in=${ready - 4},maximum=${out},ret=${out}`;
  const labels = Array.from({ length: 12 }, (_, i) => ({ name: `SITE_${i}-ce.example.org`, wms_queue: `SITE_${i % 4}`, batch_queue: `ce${i}`,
    site: `Site ${i % 4}`, cloud: i % 2 ? 'DE' : 'US', status: decision(40 + i, 20) }));
  const pilots = [];
  for (let i = 0; i < 120; ++i) {
    const node = `wn${i % 9}.example.org`;
    const bad = i % 9 === 4;
    const times = { id: `${1000 + i}.0`, label: labels[i % 12].name };
    pilots.push({ ...times, state: 'created', at: minutes(115 - i * 0.9), details: { stdout: `${monitor.logsUrl}/${i % 2 ? '' : 'plain/'}${i}.out`, log: `${monitor.logsUrl}/${i}.log`, jdl: 'https://elsewhere.example.org/1.jdl' } });
    if (i >= 100) continue;
    pilots.push({ ...times, state: 'running', at: minutes(112 - i * 0.9), node, submission: 'sub-7', index: i,
      profile: { cpu_model: 'Example CPU 3 GHz', cores: 64, memory_mb: 257000, kernel: '6.1.0' } });
    if (i >= 80) continue;
    if (bad) pilots.push({ ...times, state: 'fault', at: minutes(90 - i * 0.9), failure: 'cvmfs', text: '/cvmfs/atlas.cern.ch is not mounted' });
    else pilots.push({ ...times, state: 'exiting', at: minutes(90 - i * 0.9), rc: 0, payloads: i % 5 ? 1 : 0, ids: i % 5 ? `55${i}` : '' },
      { ...times, state: 'done', at: minutes(89 - i * 0.9) });
  }
  await monitor.tell({ factory: { name: 'BNL-gridui11', version: '2.5.0', type: 'AutoPilotFactory', email: 'ops@example.org',
    url: monitor.logsUrl, started: true, credential_ends: minutes(-60 * 30) }, labels, pilots });
  await monitor.tell({ factory: { name: `odd:${hostile}`, version: hostile, email: hostile, url: 'javascript:window.ran=1' },
    labels: [{ name: hostile, status: hostile, site: hostile, cloud: hostile }],
    pilots: [{ id: '7.0', label: hostile, state: 'created' },
      { id: '7.0', label: hostile, state: 'running', node: hostile, profile: { cpu_model: hostile } },
      { id: '7.0', label: hostile, state: 'fault', text: hostile, failure: 'x', details: { stdout: 'javascript:window.ran=1', gtag: hostile } }] });
  await until('the figures', async () => {
    const overview = await (await fetch(`${monitor.url}/api/v1/overview`)).json();
    return overview.labels.length === 13 && overview.pilots === 121;
  });
}
