/**
 * @file What the page of `splineformer slice` runs: a program of `planeProgram`, read with polynomials in a and b, and what the
 * pointer does. A polynomial is a list of coefficient arrays, that of aⁱbʲ at n(n + 1)/2 + j with n = i + j; what is missing is zero.
 */

/** `runPlane(program)(a, b)`: { values, coefficients, gates }, the output, its polynomial's coefficients, and every gate's pattern. */
export const planeInterpreter = `
function runPlane(program) {
  const slot = (i, j) => ((i + j) * (i + j + 1)) / 2 + j;
  const powers = [];
  for (let n = 0; n <= program.degree; n++) for (let j = 0; j <= n; j++) powers.push([n - j, j]);
  const decode = (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return new Float64Array(bytes.buffer);
  };
  const steps = program.steps.map((s) => ({ ...s, numbers: (s.numbers || []).map(decode) }));
  const size = (shape) => shape.reduce((p, n) => p * n, 1);
  const each = (x, f) => x.map((c) => c && f(c));
  const times = (x, y, f) => {
    const out = [];
    x.forEach((p, k) => p && y.forEach((q, l) => {
      if (!q) return;
      const term = f(p, q);
      const at = slot(powers[k][0] + powers[l][0], powers[k][1] + powers[l][1]);
      if (out[at]) for (let m = 0; m < term.length; m++) out[at][m] += term[m];
      else out[at] = term;
    }));
    return out;
  };
  // where each entry of the result finds its own in an operand of that shape
  const broadcast = (own, shape) => {
    const at = new Int32Array(size(shape));
    for (let e = 0; e < at.length; e++) {
      let rest = e, offset = 0, stride = 1;
      for (let axis = shape.length - 1, o = own.length - 1; axis >= 0; axis--, o--) {
        const i = rest % shape[axis];
        rest = Math.floor(rest / shape[axis]);
        if (o >= 0) { if (own[o] !== 1) offset += i * stride; stride *= own[o]; }
      }
      at[e] = offset;
    }
    return at;
  };
  const matmul = (p, ps, q, qs, out, { transposeA, transposeB }) => {
    const [m, n] = out.slice(-2);
    const k = ps[ps.length - (transposeA ? 2 : 1)];
    const count = size(out) / (m * n);
    const pn = size(ps) / (m * k), qn = size(qs) / (k * n);
    const r = new Float64Array(count * m * n);
    for (let c = 0; c < count; c++) {
      const x = (c % pn) * m * k, y = (c % qn) * k * n, z = c * m * n;
      for (let i = 0; i < m; i++) for (let l = 0; l < k; l++) {
        const v = p[x + (transposeA ? l * m + i : i * k + l)];
        if (v === 0) continue;
        for (let j = 0; j < n; j++) r[z + i * n + j] += v * q[y + (transposeB ? j * k + l : l * n + j)];
      }
    }
    return r;
  };
  const moved = (x, shape, from) => each(x, (c) => Float64Array.from({ length: size(shape) }, (_, e) => c[from(e)]));
  return (a, b) => {
    const values = [], gates = [];
    const at = (x, count) => {
      const out = new Float64Array(count);
      x.forEach((c, k) => {
        const f = c && a ** powers[k][0] * b ** powers[k][1];
        if (c) for (let e = 0; e < count; e++) out[e] += f * c[e];
      });
      return out;
    };
    for (const { op, shape, from, numbers, attributes, scope } of steps) {
      const [x, y] = from.map((i) => values[i]);
      const [xs, ys] = from.map((i) => steps[i].shape);
      const count = size(shape);
      let out;
      if (op === "affine") out = numbers.slice();
      else if (op === "add") {
        const [p, q] = [broadcast(xs, shape), broadcast(ys, shape)];
        out = [];
        for (let k = 0; k < powers.length; k++) if (x[k] || y[k])
          out[k] = Float64Array.from({ length: count }, (_, e) => (x[k] ? x[k][p[e]] : 0) + (y[k] ? y[k][q[e]] : 0));
      } else if (op === "multiply") {
        const [p, q] = [broadcast(xs, shape), broadcast(ys, shape)];
        out = times(x, y, (c, d) => Float64Array.from({ length: count }, (_, e) => c[p[e]] * d[q[e]]));
      } else if (op === "scale") out = each(x, (c) => c.map((v) => v * attributes.factor));
      else if (op === "matmul") out = times(x, y, (c, d) => matmul(c, xs, d, ys, shape, attributes));
      else if (op === "splitHeads" || op === "mergeHeads") {
        const [h, n, d] = (op === "splitHeads" ? shape : xs).slice(-3);
        out = moved(x, shape, op === "splitHeads"
          ? (e) => { const i = e % d, t = Math.floor(e / d) % n, k = Math.floor(e / (d * n)) % h, o = Math.floor(e / (d * n * h)); return ((o * n + t) * h + k) * d + i; }
          : (e) => { const i = e % d, k = Math.floor(e / d) % h, t = Math.floor(e / (d * h)) % n, o = Math.floor(e / (d * h * n)); return ((o * h + k) * n + t) * d + i; });
      } else if (op === "sum") {
        const kept = xs.map((n, axis) => (attributes.axes.includes(axis - xs.length) ? 1 : n));
        const to = broadcast(kept, xs);
        out = each(x, (c) => { const r = new Float64Array(count); for (let e = 0; e < c.length; e++) r[to[e]] += c[e]; return r; });
      } else if (op === "slice" || op === "concat") {
        const inner = attributes.axis === -1 ? 1 : shape[shape.length - 1];
        const own = shape[shape.length + attributes.axis] * inner;
        if (op === "slice") {
          const all = xs[xs.length + attributes.axis] * inner;
          out = moved(x, shape, (e) => Math.floor(e / own) * all + attributes.from * inner + (e % own));
        } else {
          const left = xs[xs.length + attributes.axis] * inner;
          out = [];
          for (let k = 0; k < powers.length; k++) if (x[k] || y[k])
            out[k] = Float64Array.from({ length: count }, (_, e) => {
              const i = e % own, o = Math.floor(e / own);
              return i < left ? (x[k] ? x[k][o * left + i] : 0) : (y[k] ? y[k][o * (own - left) + i - left] : 0);
            });
        }
      } else {
        const z = at(x, count), [factors] = numbers;
        const pattern = Uint8Array.from(z, (v) => attributes.knots.filter((knot) => v > knot).length);
        if (factors) factors.forEach((f, e) => { if (f === 0) pattern[e] = 0; });
        gates.push({ scope, pattern });
        const longest = Math.max(...attributes.pieces.map((p) => p.length));
        out = [];
        for (let k = longest - 1; k >= 0; k--) {
          const c = Float64Array.from(pattern, (piece, e) => (attributes.pieces[piece][k] || 0) * (factors ? factors[e] : 1));
          if (out.length) out = times(out, x, (p, q) => p.map((v, e) => v * q[e]));
          if (k === longest - 1) out = [c];
          else if (c.some((v) => v !== 0)) out[0] = out[0] ? out[0].map((v, e) => v + c[e]) : c;
        }
      }
      values.push(out);
    }
    const coefficients = values[values.length - 1];
    return { values: at(coefficients, size(steps[steps.length - 1].shape)), coefficients, gates, powers };
  };
}
`;

/** What the pointer does. */
export const pointerScript = `
const picture = document.querySelector("#slice svg");
const told = document.querySelector("#told");
const found = JSON.parse(document.querySelector("#found").textContent);
const run = found.program && runPlane(found.program);
const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
dot.setAttribute("r", "4");
dot.setAttribute("style", "fill: none; stroke: var(--ink); stroke-width: 1.5; pointer-events: none");
picture.append(dot);
const number = (v) => (v < 0 ? "−" : "") + Math.abs(v).toPrecision(4);
const cell = (tag, text) => { const e = document.createElement(tag); e.textContent = text; return e; };
function tell(a, b) {
  dot.setAttribute("cx", found.margin + a * found.size);
  dot.setAttribute("cy", found.margin + (1 - b) * found.size);
  if (!run) return;
  const { values, coefficients, gates, powers } = run(a, b);
  const first = found.first, own = [...values].slice(first, first + found.width);
  const best = own.indexOf(Math.max(...own));
  const key = gates.map(({ pattern }) => pattern.join("")).join();
  told.replaceChildren(
    cell("h3", "a = " + a.toFixed(4) + ", b = " + b.toFixed(4)),
    cell("p", (found.width > 1 ? "Largest output: " + best + ". " : "") + "Pattern, units on: " +
      gates.map(({ scope, pattern }) => (scope || "gate") + " " + pattern.filter((p) => p > 0).length + " of " + pattern.length).join(", ") + ".")
  );
  const bits = document.createElement("canvas");
  bits.width = 128;
  bits.height = Math.ceil(gates.reduce((n, { pattern }) => n + pattern.length, 0) / 128);
  bits.setAttribute("role", "img");
  bits.setAttribute("aria-label", "The pattern, a pixel for each unit");
  const pen = bits.getContext("2d"), ink = getComputedStyle(document.body).color;
  let unit = 0;
  pen.fillStyle = ink;
  for (const { pattern } of gates) for (const piece of pattern) { if (piece > 0) pen.fillRect(unit % 128, Math.floor(unit / 128), 1, 1); unit++; }
  told.append(bits);
  const degree = Math.max(0, ...coefficients.map((c, k) => (c && c[first + best] !== 0 ? powers[k][0] + powers[k][1] : 0)));
  told.append(cell("p", "On this cell output " + best + " is exactly this polynomial of degree " + degree + ": the coefficient of aⁱbʲ is in row i, column j."));
  const table = document.createElement("table"), head = table.insertRow();
  head.append(cell("th", ""));
  for (let j = 0; j <= degree; j++) head.append(cell("th", j === 0 ? "1" : j === 1 ? "b" : "b^" + j));
  for (let i = 0; i <= degree; i++) {
    const row = table.insertRow();
    row.append(cell("th", i === 0 ? "1" : i === 1 ? "a" : "a^" + i));
    for (let j = 0; i + j <= degree; j++) {
      const c = coefficients[((i + j) * (i + j + 1)) / 2 + j];
      row.append(cell("td", c ? number(c[first + best]) : "0"));
    }
  }
  const scroll = cell("div", "");
  scroll.className = "scroll";
  scroll.append(table);
  told.append(scroll);
  told.dataset.pattern = key.length;
}
let waiting;
picture.addEventListener("pointermove", (event) => {
  const box = picture.getBoundingClientRect(), scale = picture.viewBox.baseVal.width / box.width;
  const a = ((event.clientX - box.left) * scale - found.margin) / found.size;
  const b = 1 - ((event.clientY - box.top) * scale - found.margin) / found.size;
  if (!(a >= 0 && a <= 1 && b >= 0 && b <= 1)) return;
  if (waiting) cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => tell(a, b));
});
tell(found.at[0], found.at[1]);
`;
