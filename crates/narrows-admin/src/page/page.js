// The page of an admin listener. Whatever comes from the network becomes text (textContent), never markup.
'use strict';

const LOOK = 2000;
const SVG = { width: 600, height: 140 };
const byId = (id) => document.getElementById(id);

let after = 0;
let paused = false;
let running = false;

// --- small pieces

/** A new element with text and classes. */
function make(tag, text, classes) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (classes) element.className = classes;
  return element;
}

function cell(text, classes) {
  return make('td', text, classes);
}

function rows(body, all, toCells, columns) {
  const made = all.map((one) => {
    const row = make('tr');
    row.append(...toCells(one));
    return row;
  });
  if (made.length === 0) {
    const row = make('tr');
    const none = cell('nothing yet', 'none');
    none.colSpan = columns;
    row.append(none);
    made.push(row);
  }
  byId(body).replaceChildren(...made);
}

function count(number) {
  return number.toLocaleString('en-US');
}

function octets(number) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (number >= 1000 && unit < units.length - 1) {
    number /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || number >= 100 ? 0 : 1;
  return `${number.toFixed(digits)} ${units[unit]}`;
}

function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

function clock(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}

async function ask(path) {
  const answer = await fetch(path, { cache: 'no-store' });
  if (!answer.ok) throw new Error((await answer.text()).trim() || `status ${answer.status}`);
  return answer.json();
}

// --- the parts of the page

function showStatus(status) {
  document.title = `${status.program} – ${count(status.requests.open)} open`;
  byId('program').textContent = status.program;
  const state = status.ready ? 'running' : 'DRAINING: no new requests';
  byId('state').textContent = `${state} for ${duration(status.up_seconds * 1000)} on ${status.listen.join(', ')}`;
  byId('state').className = status.ready ? '' : 'warn';
  byId('report-only').hidden = !status.report_only;
  byId('would-tile').hidden = !status.report_only && status.requests.would_deny === 0;

  const requests = status.requests;
  for (const [id, number] of [['open', requests.open], ['carried', requests.carried], ['refused', requests.refused], ['would', requests.would_deny]]) {
    byId(id).textContent = count(number);
  }
  const sum = (key) => status.bytes.reduce((all, row) => all + row[key], 0);
  byId('sent').textContent = octets(sum('sent'));
  byId('received').textContent = octets(sum('received'));

  rows('ways', status.bytes, (row) => [
    cell(row.via, 'w'), cell(count(row.open), 'n'), cell(count(row.carried), 'n'),
    cell(octets(row.sent), 'n'), cell(octets(row.received), 'n'),
  ], 5);
  byId('summary').textContent = status.routes.summary;
  showParties(status.parties);
  showAbout(status);
}

function showParties(parties) {
  const cards = parties.map((party) => {
    const card = make('div', undefined, 'party');
    card.append(make('h3', `${party.kind} ${party.address}`));
    const facts = make('ul');
    for (const [step, fact] of [['TCP', party.tcp], ['TLS', party.tls], ['CONNECT', party.connect]]) {
      if (!fact) {
        facts.append(make('li', `${step} not tried`, 'unknown'));
      } else if (fact.error) {
        facts.append(make('li', `${step} ${clock(fact.at)}: ${fact.error}`, 'bad'));
      } else {
        facts.append(make('li', `${step} ${count(fact.took_ms)} ms, ${clock(fact.at)}`, 'good'));
      }
    }
    card.append(facts);
    if (party.note) card.append(make('p', party.note, 'quiet'));
    return card;
  });
  if (cards.length === 0) cards.push(make('p', 'none configured: everything goes directly', 'quiet'));
  byId('parties').replaceChildren(...cards);
}

function showAbout(status) {
  const settings = status.configuration;
  const parts = [`${status.program} ${status.version}, process ${status.process}`];
  parts.push(settings.path ? `settings ${settings.path}` : 'no settings file');
  if (settings.hash) parts.push(`hash ${settings.hash}`);
  if (settings.last_error) parts.push(`last reload refused: ${settings.last_error}`);
  if (status.descriptors.open !== null) parts.push(`${count(status.descriptors.open)} descriptors`);
  parts.push(`log lines ${count(status.log.written)}, dropped ${count(status.log.dropped)}`);
  byId('about').textContent = parts.join(' · ');
}

function showThroughput(flow) {
  const seconds = flow.moment_ms / 1000;
  const most = Math.max(1, ...flow.moments.flat());
  const slots = 150;
  const line = (side) => {
    const start = slots - flow.moments.length;
    const points = flow.moments.map((moment, at) => {
      const x = ((start + at) / (slots - 1)) * SVG.width;
      const y = SVG.height - 4 - (moment[side] / most) * (SVG.height - 12);
      return `${x.toFixed(1)} ${y.toFixed(1)}`;
    });
    return points.length ? `M${points.join('L')}` : '';
  };
  byId('plot-sent').setAttribute('d', line(0));
  byId('plot-received').setAttribute('d', line(1));
  const last = flow.moments[flow.moments.length - 1] || [0, 0];
  byId('rate-sent').textContent = `${octets(last[0] / seconds)}/s`;
  byId('rate-received').textContent = `${octets(last[1] / seconds)}/s`;
  byId('plot-scale').textContent = `5 min, peak ${octets(most / seconds)}/s`;
}

function showDecisions(all) {
  const most = Math.max(1, ...all.names.map((row) => row.direct + row.gateway + row.proxy + row.refused));
  const names = all.names.slice(0, 40);
  const rest = { ...all.others };
  for (const row of all.names.slice(40)) {
    for (const key of ['direct', 'gateway', 'proxy', 'refused', 'sent', 'received']) rest[key] += row[key];
  }
  if (rest.direct + rest.gateway + rest.proxy + rest.refused > 0) names.push({ ...rest, host: 'all others' });
  rows('names', names, (row) => [
    cell(row.host, 't'), barCell(row, most),
    cell(count(row.direct + row.gateway + row.proxy), 'n'),
    cell(count(row.refused), row.refused ? 'n warn' : 'n'), cell(octets(row.received), 'n'),
  ], 5);
  rows('faults', all.faults.slice(0, 60), (fault) => [
    cell(clock(fault.at), 'w'), cell(fault.target || '(nothing)', 't'),
    cell(whatHappened(fault), fault.outcome === 'would_deny' ? 'w warn' : 'w'), cell(fault.reason, 't'),
  ], 4);
}

/** A bar whose parts are SVG rectangles: their widths are attributes, not styles, which the policy forbids. */
function barCell(row, most) {
  const kinds = ['direct', 'gateway', 'proxy', 'refused'];
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 100 10');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('class', 'names');
  svg.setAttribute('role', 'img');
  const said = kinds.filter((kind) => row[kind] > 0).map((kind) => `${kind} ${count(row[kind])}`).join(', ');
  svg.setAttribute('aria-label', said);
  let x = 0;
  for (const kind of kinds) {
    if (!row[kind]) continue;
    const width = Math.max(1, Math.min(100, (row[kind] / most) * 100));
    const part = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    part.setAttribute('class', `fill-${kind}`);
    for (const [name, value] of [['x', x], ['y', 0], ['width', width], ['height', 10]]) part.setAttribute(name, String(value));
    svg.append(part);
    x += width;
  }
  const made = cell(undefined, 'bar');
  made.title = said;
  made.append(svg);
  return made;
}

function whatHappened(fault) {
  switch (fault.outcome) {
    case 'refused': return `${fault.status} by ${fault.by}, ${fault.step}`;
    case 'broken': return `${fault.via}, ended by ${fault.by}`;
    case 'would_deny': return `would deny (went ${fault.via})`;
    default: return fault.via || '';
  }
}

function showTunnels(all) {
  rows('live', all.tunnels, (tunnel) => [
    cell(tunnel.target, 't'), cell(tunnel.would_deny ? `${tunnel.via}, would deny` : tunnel.via, tunnel.would_deny ? 'w warn' : 'w'),
    cell(duration(tunnel.age_ms), 'n'), cell(octets(tunnel.sent), 'n'), cell(octets(tunnel.received), 'n'),
    cell(tunnel.identity ? `${tunnel.identity} at ${tunnel.client}` : tunnel.client, 'w'), cell(tunnel.id, 'w'),
  ], 7);
  const page = all.tunnels.length;
  byId('shown').textContent = page === all.total ? `${count(page)} open` : `${count(page)} of ${count(all.total)}, oldest first`;
  byId('first').disabled = after === 0;
  byId('next').disabled = all.next === null;
  byId('next').dataset.next = all.next === null ? '' : String(all.next);
}

// --- what happens when

async function look() {
  if (running) return;
  running = true;
  try {
    const part = encodeURIComponent(byId('part').value.trim().toLowerCase());
    const [status, flow, decisions, tunnels] = await Promise.all([
      ask('/api/status'), ask('/api/throughput'), ask('/api/decisions?limit=60'),
      ask(`/api/tunnels?limit=50&after=${after}&host=${part}`),
    ]);
    showStatus(status);
    showThroughput(flow);
    showDecisions(decisions);
    showTunnels(tunnels);
    byId('trouble').hidden = true;
    document.body.dataset.looked = String(Number(document.body.dataset.looked || 0) + 1);
  } catch (error) {
    byId('trouble').textContent = `No answer: ${error.message}. What is below is old.`;
    byId('trouble').hidden = false;
  } finally {
    running = false;
  }
}

/** What matters first; JSON objects have no order of their own. */
function inOrder(explained) {
  const first = ['target', 'route', 'served_by', 'rule', 'reason', 'source'];
  const rest = Object.keys(explained).filter((key) => !first.includes(key));
  return [...first, ...rest].filter((key) => key in explained).map((key) => [key, explained[key]]);
}

async function explain(event) {
  event.preventDefault();
  const host = byId('host').value.trim();
  if (!host) return;
  let pairs;
  try {
    const said = await ask(`/api/explain?host=${encodeURIComponent(host)}`);
    const all = Array.isArray(said) ? said : [said];
    pairs = all.flatMap(inOrder).filter(([, value]) => value !== null);
  } catch (error) {
    pairs = [['problem', error.message]];
  }
  byId('explained').replaceChildren(...pairs.flatMap(([name, value]) => [
    make('dt', name.replaceAll('_', ' ')), make('dd', String(value)),
  ]));
}

function turnTo(next) {
  after = next;
  look();
}

byId('explain').addEventListener('submit', explain);
byId('filter').addEventListener('submit', (event) => { event.preventDefault(); turnTo(0); });
byId('part').addEventListener('input', () => turnTo(0));
byId('first').addEventListener('click', () => turnTo(0));
byId('next').addEventListener('click', () => turnTo(Number(byId('next').dataset.next)));
byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').setAttribute('aria-pressed', String(paused));
  byId('pause').textContent = paused ? 'Go on' : 'Pause';
  if (!paused) look();
});
setInterval(() => { if (!paused && !document.hidden) look(); }, LOOK);
look();
