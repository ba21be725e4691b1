/**
 * The minimum cut of a graph whose nodes are the voxels of a grid, by the maximum flow of Boykov and Kolmogorov, "An
 * Experimental Comparison of Min-Cut/Max-Flow Algorithms for Energy Minimization in Vision", IEEE TPAMI 26 (2004),
 * doi:10.1109/TPAMI.2004.60: two trees grow from source and sink until they meet, flow is pushed along the path, and what it
 * cuts off is adopted again. Capacities are whole numbers, so that the answer is exact and the same everywhere.
 */
import type { Triple } from '@consilium/imaging';

export interface GridCapacities {
  /** Of the graph's nodes `[z, y, x]`. */
  readonly size: Triple;
  /** Of each voxel: above zero from the source, below zero to the sink. Below 2^30 in magnitude. */
  readonly terminals: Int32Array;
  /** Of each voxel, to the next one along `[z, y, x]`, the same in both directions; what leads out of the grid counts as 0. */
  readonly links: readonly [Int32Array, Int32Array, Int32Array];
}

export interface GridCut {
  readonly flow: number;
  /** 1 where the source still reaches after the largest flow: of all minimum cuts the one nearest to the source. */
  readonly source: Uint8Array;
}

export function gridCut(capacities: GridCapacities): GridCut {
  const solver = new FlowSolver(capacities);
  return { flow: solver.run(), source: solver.sourceSide(capacities.size) };
}

/** To a voxel's parent: one of the six directions, or one of these. */
const free = -1;
const terminal = 6;
const orphan = 7;
const nobody = -1;
const far = 0x7fffffff;

class FlowSolver {
  /** Directions come in pairs: -z and +z, -y and +y, -x and +x; the reverse of one is `direction ^ 1`. */
  readonly #steps: Int32Array;
  /** By node, then direction: what can still flow there. The grid has a rim without capacity, so that no step leaves it. */
  readonly #residual: Int32Array;
  readonly #terminals: Int32Array;
  readonly #parent: Int8Array;
  readonly #isSink: Uint8Array;
  /** When the distance to the terminal was last known, and what it was. */
  readonly #seen: Int32Array;
  readonly #distance: Int32Array;
  /** Queue of nodes whose neighbours are to be looked at: the next of each, itself at the end, nobody outside. */
  readonly #next: Int32Array;
  #first = nobody;
  #last = nobody;
  #orphans: number[] = [];
  #orphansTaken = 0;
  #time = 0;
  #flow = 0;

  constructor({ links, size, terminals }: GridCapacities) {
    const [depth, rows, columns] = [size[0] + 2, size[1] + 2, size[2] + 2];
    const plane = rows * columns;
    const nodes = depth * plane;
    this.#steps = Int32Array.of(-plane, plane, -columns, columns, -1, 1);
    this.#residual = new Int32Array(nodes * 6);
    this.#terminals = new Int32Array(nodes);
    this.#parent = new Int8Array(nodes).fill(free);
    this.#isSink = new Uint8Array(nodes);
    this.#seen = new Int32Array(nodes);
    this.#distance = new Int32Array(nodes);
    this.#next = new Int32Array(nodes).fill(nobody);
    forEachNode(size, (at, node, [z, y, x]) => {
      this.#terminals[node] = terminals[at]!;
      if (z + 1 < size[0]) this.#link(node, 1, links[0][at]!);
      if (y + 1 < size[1]) this.#link(node, 3, links[1][at]!);
      if (x + 1 < size[2]) this.#link(node, 5, links[2][at]!);
      if (terminals[at] === 0) return;
      this.#parent[node] = terminal;
      this.#isSink[node] = terminals[at]! < 0 ? 1 : 0;
      this.#distance[node] = 1;
      this.#activate(node);
    });
  }

  run(): number {
    let current = nobody;
    for (;;) {
      if (current !== nobody) {
        this.#next[current] = nobody;
        if (this.#parent[current] === free) current = nobody;
      }
      if (current === nobody) current = this.#nextActive();
      if (current === nobody) return this.#flow;
      const meeting = this.#isSink[current] === 0 ? this.#growSource(current) : this.#growSink(current);
      this.#time++;
      if (meeting < 0) {
        current = nobody;
        continue;
      }
      // It is looked at again, without standing in the queue.
      this.#next[current] = current;
      this.#augment(meeting);
      this.#adopt();
    }
  }

  sourceSide(size: Triple): Uint8Array {
    const source = new Uint8Array(size[0] * size[1] * size[2]);
    forEachNode(size, (at, node) => {
      if (this.#parent[node] !== free && this.#isSink[node] === 0) source[at] = 1;
    });
    return source;
  }

  #link(node: number, direction: number, capacity: number): void {
    this.#residual[node * 6 + direction] = capacity;
    this.#residual[(node + this.#steps[direction]!) * 6 + (direction ^ 1)] = capacity;
  }

  #activate(node: number): void {
    if (this.#next[node] !== nobody) return;
    if (this.#last === nobody) this.#first = node;
    else this.#next[this.#last] = node;
    this.#last = node;
    this.#next[node] = node;
  }

  #nextActive(): number {
    while (this.#first !== nobody) {
      const node = this.#first;
      const next = this.#next[node]!;
      if (next === node) {
        this.#first = nobody;
        this.#last = nobody;
      } else {
        this.#first = next;
      }
      this.#next[node] = nobody;
      if (this.#parent[node] !== free) return node;
    }
    return nobody;
  }

  /** @returns the arc, as node * 6 + direction from the source's side, at which the trees meet; -1 if they do not here. */
  #growSource(node: number): number {
    const residual = this.#residual;
    for (let direction = 0; direction < 6; direction++) {
      const arc = node * 6 + direction;
      if (residual[arc] === 0) continue;
      const other = node + this.#steps[direction]!;
      if (this.#parent[other] === free) this.#take(other, node, direction ^ 1);
      else if (this.#isSink[other] === 1) return arc;
      else this.#shorten(other, node, direction ^ 1);
    }
    return -1;
  }

  #growSink(node: number): number {
    const residual = this.#residual;
    for (let direction = 0; direction < 6; direction++) {
      const other = node + this.#steps[direction]!;
      const arc = other * 6 + (direction ^ 1);
      if (residual[arc] === 0) continue;
      if (this.#parent[other] === free) this.#take(other, node, direction ^ 1);
      else if (this.#isSink[other] === 0) return arc;
      else this.#shorten(other, node, direction ^ 1);
    }
    return -1;
  }

  #take(node: number, parent: number, toParent: number): void {
    this.#isSink[node] = this.#isSink[parent]!;
    this.#parent[node] = toParent;
    this.#seen[node] = this.#seen[parent]!;
    this.#distance[node] = this.#distance[parent]! + 1;
    this.#activate(node);
  }

  /** Of the same tree, if the way over this parent is known to be shorter. */
  #shorten(node: number, parent: number, toParent: number): void {
    if (this.#seen[node]! > this.#seen[parent]! || this.#distance[node]! <= this.#distance[parent]!) return;
    this.#parent[node] = toParent;
    this.#seen[node] = this.#seen[parent]!;
    this.#distance[node] = this.#distance[parent]! + 1;
  }

  /** Pushes what the path over an arc bears. */
  #augment(meeting: number): void {
    const from = Math.floor(meeting / 6);
    const to = from + this.#steps[meeting % 6]!;
    const amount = Math.min(this.#residual[meeting]!, this.#bearing(from, 1), this.#bearing(to, 0));
    this.#residual[meeting]! -= amount;
    this.#residual[to * 6 + ((meeting % 6) ^ 1)]! += amount;
    this.#push(from, amount, 1);
    this.#push(to, amount, 0);
    this.#flow += amount;
  }

  /** @param inward 1 for the source's tree, where flow comes from the parent to the node, 0 for the sink's. */
  #bearing(node: number, inward: 0 | 1): number {
    let least = far;
    let at = node;
    for (let direction = this.#parent[at]!; direction !== terminal; direction = this.#parent[at]!) {
      const parent = at + this.#steps[direction]!;
      const arc = inward === 1 ? parent * 6 + (direction ^ 1) : at * 6 + direction;
      if (this.#residual[arc]! < least) least = this.#residual[arc]!;
      at = parent;
    }
    return Math.min(least, Math.abs(this.#terminals[at]!));
  }

  #push(node: number, amount: number, inward: 0 | 1): void {
    let at = node;
    for (let direction = this.#parent[at]!; direction !== terminal; direction = this.#parent[at]!) {
      const parent = at + this.#steps[direction]!;
      const [up, down] = [at * 6 + direction, parent * 6 + (direction ^ 1)];
      const [spent, gained] = inward === 1 ? [down, up] : [up, down];
      this.#residual[gained]! += amount;
      this.#residual[spent]! -= amount;
      if (this.#residual[spent] === 0) this.#orphan(at);
      at = parent;
    }
    this.#terminals[at]! -= inward === 1 ? amount : -amount;
    if (this.#terminals[at] === 0) this.#orphan(at);
  }

  #orphan(node: number): void {
    this.#parent[node] = orphan;
    this.#orphans.push(node);
  }

  #adopt(): void {
    while (this.#orphansTaken < this.#orphans.length) this.#adoptOne(this.#orphans[this.#orphansTaken++]!);
    this.#orphans.length = 0;
    this.#orphansTaken = 0;
  }

  /** Gives a node the parent that is nearest to its terminal, or sets it free and makes its children orphans. */
  #adoptOne(node: number): void {
    const isSink = this.#isSink[node]!;
    let [best, least] = [free, far];
    for (let direction = 0; direction < 6; direction++) {
      const other = node + this.#steps[direction]!;
      if (!this.#feeds(node, direction, isSink)) continue;
      const distance = this.#distanceOf(other);
      if (distance < least) [best, least] = [direction, distance];
    }
    this.#parent[node] = best;
    if (best !== free) {
      this.#seen[node] = this.#time;
      this.#distance[node] = least + 1;
      return;
    }
    for (let direction = 0; direction < 6; direction++) {
      const other = node + this.#steps[direction]!;
      const parent = this.#parent[other]!;
      if (parent === free || this.#isSink[other] !== isSink) continue;
      if (this.#feeds(node, direction, isSink)) this.#activate(other);
      if (parent === (direction ^ 1)) this.#orphan(other);
    }
  }

  /** Whether a neighbour of the same tree can be the parent. */
  #feeds(node: number, direction: number, isSink: number): boolean {
    const other = node + this.#steps[direction]!;
    if (this.#parent[other] === free || this.#isSink[other] !== isSink) return false;
    const arc = isSink === 1 ? node * 6 + direction : other * 6 + (direction ^ 1);
    return this.#residual[arc] !== 0;
  }

  /** Steps to the terminal, which are then known; `far` if the way ends at an orphan. */
  #distanceOf(node: number): number {
    const time = this.#time;
    let steps = 0;
    let at = node;
    while (this.#seen[at] !== time) {
      const direction = this.#parent[at]!;
      if (direction === orphan) return far;
      steps++;
      if (direction === terminal) {
        this.#seen[at] = time;
        this.#distance[at] = 1;
        steps--;
        break;
      }
      at += this.#steps[direction]!;
    }
    const distance = steps + this.#distance[at]!;
    let left = distance;
    for (let on = node; this.#seen[on] !== time; on += this.#steps[this.#parent[on]!]!) {
      this.#seen[on] = time;
      this.#distance[on] = left--;
    }
    return distance;
  }
}

/** @param visit of the voxel's place in the grid, and of its node in the grid with a rim. */
function forEachNode(size: Triple, visit: (at: number, node: number, voxel: Triple) => void): void {
  const [depth, rows, columns] = size;
  let at = 0;
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < rows; y++) {
      let node = ((z + 1) * (rows + 2) + y + 1) * (columns + 2) + 1;
      for (let x = 0; x < columns; x++, at++, node++) visit(at, node, [z, y, x]);
    }
  }
}
